// A plain voice of the browser's own, for what is to be heard at once: a key that is struck, a card of music.
window.voice = (() => {
  let sound = null, all = null;
  const LOUD = 0.25, AHEAD = 0.05; // seconds until a phrase begins, so that none of it is late

  const awake = () => {
    if (!sound) {
      sound = new AudioContext();
      all = sound.createDynamicsCompressor(); // several voices at once stay as loud as one
      all.connect(sound.destination);
    }
    sound.resume();
    return sound;
  };

  // One tone from a moment on, dying away while it is held; gives what ends it at another moment. What dies away and
  // what ends are two gains, so that no end has to take back what was planned.
  const tone = (pitch, from) => {
    const held = sound.createGain(), open = sound.createGain(), voice = sound.createOscillator();
    voice.type = "triangle";
    voice.frequency.value = 440 * 2 ** ((pitch - 69) / 12);
    held.gain.value = 0;
    held.gain.setValueAtTime(0, from);
    held.gain.linearRampToValueAtTime(LOUD, from + 0.01);
    held.gain.exponentialRampToValueAtTime(LOUD / 3, from + 1.5);
    voice.connect(held).connect(open).connect(all);
    voice.start(from);
    return (until) => {
      open.gain.setTargetAtTime(0, until, 0.04);
      voice.stop(until < from ? until : until + 0.3); // one that has not begun never does
    };
  };

  const strike = (pitch) => {
    const end = tone(pitch, awake().currentTime);
    return () => end(sound.currentTime);
  };

  // Notes {pitch, start, end} in seconds; tells the seconds as they pass and last -1. Gives what ends it before.
  const play = (notes, tell) => {
    const began = awake().currentTime + AHEAD, over = Math.max(0, ...notes.map((each) => each.end));
    const ends = notes.map((each) => {
      const end = tone(each.pitch, began + each.start);
      end(began + each.end);
      return end;
    });
    let going = true;
    const stop = () => {
      if (!going) return;
      going = false;
      ends.forEach((end) => end(sound.currentTime));
      tell(-1);
    };
    const follow = () => {
      const now = sound.currentTime - began;
      if (now > over) stop();
      if (!going) return;
      tell(Math.max(0, now));
      requestAnimationFrame(follow);
    };
    follow();
    return stop;
  };

  return { strike, play };
})();
