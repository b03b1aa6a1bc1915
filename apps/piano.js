// A phrase played on the page becomes notation: notes and rests in eighths at the tempo set, written into the text box.
(() => {
  const NAMES = ["C", "^C", "D", "^D", "E", "F", "^F", "G", "^G", "A", "^A", "B"];
  const BAR = 8; // eighths
  const phrases = new WeakMap(); // piano -> notes {pitch, on, off}
  const held = new Map(); // pitch -> {stop, note}

  const pianoOf = (element) => element.closest(".html-container, .prose, .block")?.querySelector(".piano") ?? document.querySelector(".piano");
  const inView = () => [...document.querySelectorAll(".piano")].find((each) => each.offsetParent !== null);
  const played = (piano) => phrases.get(piano) ?? phrases.set(piano, []).get(piano);

  // C is middle C's letter; an octave up is small, another has an apostrophe, an octave down a comma.
  const spelled = (pitch) => {
    const name = NAMES[pitch % 12], octave = Math.floor(pitch / 12) - 5;
    const letter = octave >= 1 ? name.toLowerCase() : name;
    return letter + (octave > 1 ? "'".repeat(octave - 1) : octave < 0 ? ",".repeat(-octave) : "");
  };

  const notation = (notes, tempo) => {
    const eighth = 30 / tempo, lasting = (seconds) => Math.max(1, Math.round(seconds / eighth));
    const events = []; // [what sounds or "z", eighths]
    notes.forEach((note, place) => {
      const next = notes[place + 1], length = lasting((note.off ?? note.on + eighth) - note.on);
      const room = next ? lasting(next.on - note.on) : length;
      events.push([spelled(note.pitch), Math.min(length, room)]);
      if (next && room - length >= 1) events.push(["z", room - length]);
    });
    let at = 0, text = "M:4/4 L:1/8 K:C |";
    for (const [what, eighths] of events)
      for (let left = eighths; left > 0; ) {
        const here = Math.min(left, BAR - at);
        const tied = what !== "z" && here < left ? "-" : "";
        text += ` ${what}${here > 1 ? here : ""}${tied}`;
        left -= here;
        at += here;
        if (at === BAR) [at, text] = [0, `${text} |`];
      }
    return events.length ? text.replace(/ \|$/, "") : "";
  };

  const write = (piano) => {
    const box = document.querySelector(`#${piano.dataset.box} textarea`);
    if (!box) return;
    const tools = piano.parentElement.querySelector(".piano-tempo");
    const tempo = Math.min(240, Math.max(30, Number(tools?.value) || 120));
    window.page.write(box, notation(played(piano), tempo));
  };

  const press = (piano, pitch) => {
    if (held.has(pitch) || !piano) return;
    const note = { pitch, on: performance.now() / 1000, off: null };
    for (const [other] of held) release(piano, other); // a melody has one voice
    played(piano).push(note);
    held.set(pitch, { stop: window.voice.strike(pitch), note });
    piano.querySelector(`[data-pitch="${pitch}"]`)?.classList.add("down");
  };

  const release = (piano, pitch) => {
    const down = held.get(pitch);
    if (!down) return;
    held.delete(pitch);
    down.stop();
    down.note.off = performance.now() / 1000;
    piano?.querySelector(`[data-pitch="${pitch}"]`)?.classList.remove("down");
    if (piano) write(piano);
  };

  document.addEventListener("pointerdown", (event) => {
    const key = event.target.closest?.(".piano .key");
    if (!key) return;
    event.preventDefault();
    key.closest(".piano").focus();
    press(key.closest(".piano"), Number(key.dataset.pitch));
  });
  document.addEventListener("pointerup", () => [...held.keys()].forEach((pitch) => release(inView(), pitch)));

  const lettered = (piano, event) =>
    event.ctrlKey || event.metaKey || event.altKey ? null : piano.querySelector(`[data-letter="${CSS.escape(event.key.toLowerCase())}"]`);
  document.addEventListener("keydown", (event) => {
    const piano = event.target.closest?.(".piano"), key = piano && lettered(piano, event);
    if (!key) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!event.repeat) press(piano, Number(key.dataset.pitch));
  }, true);
  document.addEventListener("keyup", (event) => {
    const piano = event.target.closest?.(".piano"), key = piano && lettered(piano, event);
    if (key) release(piano, Number(key.dataset.pitch));
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.(".piano-tools button");
    if (!button) return;
    const piano = button.closest(".piano-tools").parentElement.querySelector(".piano");
    const said = button.parentElement.querySelector(".piano-said");
    if (button.classList.contains("piano-undo")) played(piano).pop();
    else if (button.classList.contains("piano-clear")) phrases.set(piano, []);
    else {
      try {
        const access = await navigator.requestMIDIAccess();
        const listen = (input) => (input.onmidimessage = ({ data: [status, pitch, velocity] }) => {
          const kind = status & 0xf0, piano = inView();
          if (kind === 0x90 && velocity && piano) press(piano, pitch);
          else if (kind === 0x80 || kind === 0x90) release(piano, pitch);
        });
        access.inputs.forEach(listen);
        access.onstatechange = (change) => change.port.type === "input" && listen(change.port);
        said.textContent = access.inputs.size ? "Play." : "No MIDI keyboard is connected yet.";
      } catch {
        said.textContent = "This browser lets no page use a MIDI keyboard.";
      }
      return;
    }
    write(piano);
  });
  document.addEventListener("change", (event) => event.target.matches?.(".piano-tempo") && write(pianoOf(event.target)));
})();
