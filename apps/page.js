// What several scripts do to the page: writing into a control as a hand does, and lighting the notes of a roll.
window.page = {
  // The page hears of what is set only through the setter of the element's own kind, and an event.
  write(box, value) {
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(box), "value").set.call(box, value);
    box.dispatchEvent(new Event("input", { bubbles: true }));
  },
  // Notes carry the seconds at which they sound; before the first and after the last, `now` is below 0.
  light(notes, now) {
    for (const note of notes) note.classList.toggle("sounding", note.dataset.start <= now && now < note.dataset.end);
  },
};
