// Keys and the moving light: Ctrl+Enter generates, Escape stops, and notes light up while they sound.
(() => {
  const visible = (ids) => ids.map((id) => document.getElementById(id)).find((el) => el && el.offsetParent !== null);
  document.addEventListener("keydown", (event) => {
    const wanted =
      event.key === "Enter" && (event.ctrlKey || event.metaKey) ? "generate" : event.key === "Escape" ? "stop" : null;
    const button = wanted && visible([`text-${wanted}`, `music-${wanted}`]);
    if (!button || button.disabled) return;
    event.preventDefault();
    button.click();
  });
})();
