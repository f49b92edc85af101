// The steps that every player shares; a player's own file adds `driver`.
'use strict';

let guardMs = 0;

// A picture stands for no longer in any title of these tests (24 in a second); two stand for longer.
const LONGEST_FRAME_S = 0.06;

const frames = () => video.getVideoPlaybackQuality().totalVideoFrames;
const facts = () => ({time: video.currentTime, width: video.videoWidth, height: video.videoHeight, frames: frames()});

const shared = {
  // Plays on for some seconds of the title; new pictures must have been decoded meanwhile.
  async play({seconds = 0.3} = {}) {
    const from = facts();
    await Promise.race([video.play(), until(video, ['playing'], () => !video.paused && video.readyState > 2, 'playing', guardMs)]);
    const done = () => video.currentTime >= from.time + seconds && frames() > from.frames;
    await until(video, ['timeupdate'], done, `${seconds} s of play`, guardMs);
    return {from, to: facts()};
  },

  // Goes to a time and stands there: on a busy machine a title that plays on is elsewhere when it is looked at.
  async seek({time}) {
    video.pause();
    video.currentTime = time;
    await until(video, ['seeked', 'canplay', 'timeupdate'], () => !video.seeking && video.readyState >= 2, `seek to ${time}`, guardMs);
    return facts();
  },

  // Asks for a rung and plays until its pictures are seen.
  async rung({height, language}) {
    await driver.force(height, language);
    await until(video, ['resize', 'timeupdate'], () => video.videoHeight === height, `height ${height}`, guardMs);
    return shared.play({});
  },

  // Stands still on one picture, at its own size, for a screenshot. The first picture that is announced may be one from
  // before the seek, which the compositor still had to show: then the way is gone once more.
  async picture({time}) {
    for (let tries = 0; tries < 10; tries += 1) {
      const shown = presented();
      await shared.seek({time});
      const mediaTime = await shown;
      if (mediaTime <= time && time - mediaTime < LONGEST_FRAME_S) {
        video.style.width = `${video.videoWidth}px`;
        await painted();
        return {tries, mediaTime, ...facts()};
      }
    }
    throw new Error(`the picture at ${time} was never shown; ${state()}`);
  },

  async language({language}) {
    await driver.speak(language);
    const {to} = await shared.play({});
    return {...to, language: driver.spoken()};
  },

  // Shows subtitles, goes to a time, and returns the words that stand there.
  async subtitle({language, time}) {
    await driver.read(language);
    await shared.seek({time});
    // What was shown before the seek stays active for a moment.
    const stands = (cue) => cue.startTime <= time && time < cue.endTime;
    const words = () => [...video.textTracks].flatMap((track) => [...(track.activeCues ?? [])].filter(stands).map((cue) => cue.text));
    await cuesChange(() => words().length > 0, `a cue at ${time}`);
    return {words: words(), cues: [...video.textTracks].reduce((sum, track) => sum + (track.cues?.length ?? 0), 0)};
  },

  // Plays fast until a time.
  async fast({rate, time}) {
    await shared.play({});
    driver.trick(rate);
    await until(video, ['timeupdate', 'seeked', 'ended'], () => video.currentTime >= time, `fast play to ${time}`, guardMs);
    driver.untrick();
    return facts();
  },

  // Ends when the player or the media element says that it cannot go on.
  async refusal() {
    video.play().catch(() => {});
    if (errors.length === 0) {
      await new Promise((resolve, reject) => {
        setTimeout(() => reject(new Error(`no refusal; ${state()}`)), guardMs);
        for (const name of ['error', 'player-error']) video.addEventListener(name, resolve, {once: true});
      });
    }
    return {said: trouble(), ...facts()};
  },
};

// The media time of the next picture that is handed to the compositor.
function presented() {
  return new Promise((resolve, reject) => {
    const guard = setTimeout(() => reject(new Error(`no picture came; ${state()}`)), guardMs);
    video.requestVideoFrameCallback((_now, {mediaTime}) => { clearTimeout(guard); resolve(mediaTime); });
  });
}

// Resolves when what stands in the page now has been painted.
function painted() {
  return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
}

// Text tracks are made while the player goes on: the changes of those that are there, and new ones, both count.
function cuesChange(condition, what) {
  const heard = new EventTarget();
  const tell = () => heard.dispatchEvent(new Event('cuechange'));
  for (const track of video.textTracks) track.addEventListener('cuechange', tell);
  video.textTracks.addEventListener('addtrack', ({track}) => { track.addEventListener('cuechange', tell); tell(); });
  for (const name of ['timeupdate', 'progress', 'canplay']) video.addEventListener(name, tell);
  return until(heard, ['cuechange'], condition, what, guardMs);
}

window.takeStep = async (name, options, patienceMs) => {
  guardMs = patienceMs;
  return (driver[name] ?? shared[name])(options);
};
