'use strict';

const player = new Hls({enableWorker: true, maxBufferLength: 3, maxMaxBufferLength: 4, backBufferLength: 1, startLevel: 0});
const happened = new EventTarget();

const driver = {
  async open({url, codec}) {
    player.on(Hls.Events.ERROR, (_name, about) => { if (about.fatal) complain(`hls.js ${about.type} ${about.details}`); });
    let parsed = false;
    player.on(Hls.Events.MANIFEST_PARSED, () => { parsed = true; happened.dispatchEvent(new Event('parsed')); });
    player.loadSource(new URL(url, location).href);
    player.attachMedia(video);
    await until(happened, ['parsed'], () => parsed, 'the multivariant playlist', guardMs);
    driver.codec = codec ?? '';
    return driver.tracks();
  },

  async tracks() {
    return {
      heights: [...new Set(driver.levels().map((level) => level.height))].sort((a, b) => a - b),
      languages: [...new Set(player.allAudioTracks.map((track) => track.lang))].sort(),
      texts: player.subtitleTracks.map((track) => track.lang).sort(),
    };
  },

  levels: () => player.levels.filter((level) => level.videoCodec.startsWith(driver.codec)),

  force(height) {
    player.currentLevel = player.levels.indexOf(driver.levels().find((level) => level.height === height));
  },

  speak(language) {
    player.audioTrack = player.audioTracks.findIndex((track) => track.lang === language);
  },

  read(language) {
    player.subtitleTrack = player.subtitleTracks.findIndex((track) => track.lang === language);
    player.subtitleDisplay = true;
  },

  spoken: () => player.audioTracks[player.audioTrack].lang,
};
