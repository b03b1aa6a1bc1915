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

  // One tone from a moment on, dying away while it is held; gives what ends it at another moment.
  const tone = (pitch, from) => {
    const gain = sound.createGain(), voice = sound.createOscillator();
    voice.type = "triangle";
    voice.frequency.value = 440 * 2 ** ((pitch - 69) / 12);
    gain.gain.setValueAtTime(0, from);
    gain.gain.linearRampToValueAtTime(LOUD, from + 0.01);
    gain.gain.exponentialRampToValueAtTime(LOUD / 3, from + 1.5);
    voice.connect(gain).connect(all);
    voice.start(from);
    return (until) => {
      gain.gain.cancelScheduledValues(until);
      gain.gain.setTargetAtTime(0, until, 0.04);
      voice.stop(until + 0.3);
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
