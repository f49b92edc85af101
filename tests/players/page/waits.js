// Waiting for events, never for time to pass.
'use strict';

class Refused extends Error {}

// Resolves when the condition holds, looked at whenever one of the events comes. A player's error ends every wait.
function until(target, events, condition, what, guardMs) {
  return new Promise((resolve, reject) => {
    const seen = ['error', 'player-error'];
    const end = (settle, value) => {
      clearTimeout(guard);
      for (const name of events) target.removeEventListener(name, look);
      for (const name of seen) video.removeEventListener(name, fail);
      settle(value);
    };
    const look = () => { if (condition()) end(resolve); };
    const fail = () => end(reject, new Refused(`while waiting for ${what}: ${trouble()}`));
    const guard = setTimeout(() => end(reject, new Error(`${what}: never came; ${state()}`)), guardMs);
    for (const name of events) target.addEventListener(name, look);
    for (const name of seen) video.addEventListener(name, fail);
    if (errors.length) fail();
    else look();
  });
}

const video = document.querySelector('video');
const errors = [];

// What a player says is fatal.
function complain(text) {
  errors.push(text);
  video.dispatchEvent(new Event('player-error'));
}

// Noted when it happens: players take the source away afterwards, and the error with it.
video.addEventListener('error', () => {
  if (video.error) errors.push(`media error ${video.error.code} ${video.error.message}`);
}, {capture: true});

const trouble = () => errors.join('; ');

function state() {
  const ranges = [...Array(video.buffered.length).keys()].map((i) => `${video.buffered.start(i)}-${video.buffered.end(i)}`);
  return `at ${video.currentTime} of ${video.duration}, ready ${video.readyState}, ${video.videoWidth}x${video.videoHeight}, buffered ${ranges}`;
}
