'use strict';

const player = dashjs.MediaPlayer().create();

const driver = {
  async open({url, keys, codec}) {
    player.initialize();
    player.updateSettings({
      debug: {logLevel: dashjs.Debug.LOG_LEVEL_ERROR},
      streaming: {
        abr: {autoSwitchBitrate: {video: false, audio: false}},
        buffer: {fastSwitchEnabled: true, bufferTimeDefault: 3, bufferTimeAtTopQuality: 3},
      },
    });
    if (codec) {
      player.registerCustomCapabilitiesFilter((item) => !/^(avc|hvc|av0)/.test(item.codecs ?? '') || item.codecs.startsWith(codec));
    }
    player.on('error', (event) => complain(`dash.js ${event.error.code} ${event.error.message}`));
    if (keys) player.setProtectionData({'org.w3.clearkey': {clearkeys: base64UrlKeys(keys), priority: 0}});
    const ready = new EventTarget();
    let open = false;
    player.on('streamInitialized', () => { open = true; ready.dispatchEvent(new Event('open')); });
    player.attachView(video);
    player.setAutoPlay(false);
    player.attachSource(new URL(url, location).href);
    await until(ready, ['open'], () => open, 'the stream', guardMs);
    return driver.tracks();
  },

  async tracks() {
    const of = (kind) => player.getTracksFor(kind);
    return {
      heights: [...new Set(of('video').flatMap((track) => track.bitrateList.map((item) => item.height)))].sort((a, b) => a - b),
      languages: [...new Set(of('audio').map((track) => track.lang))].sort(),
      texts: of('text').map((track) => track.lang).sort(),
      images: of('image').length,
    };
  },

  // Sizes with keys of their own are adaptation sets of their own.
  force(height) {
    const index = player.getRepresentationsByType('video').findIndex((item) => item.height === height);
    if (index >= 0) {
      player.setRepresentationForTypeByIndex('video', index, true);
      return;
    }
    player.setCurrentTrack(player.getTracksFor('video').find((track) => track.bitrateList.some((item) => item.height === height)));
  },

  speak(language) {
    player.setCurrentTrack(player.getTracksFor('audio').find((track) => track.lang === language));
  },

  read(language) {
    player.enableText(true);
    player.setTextTrack(player.getTracksFor('text').findIndex((track) => track.lang === language));
  },

  async still({time}) {
    const found = await new Promise((resolve) => player.provideThumbnail(time, resolve));
    const sheet = await (await fetch(found.url)).arrayBuffer();
    return {
      x: found.x, y: found.y, width: found.width, height: found.height,
      jpeg: btoa(String.fromCharCode(...new Uint8Array(sheet))),
    };
  },

  spoken: () => player.getCurrentTrackFor('audio').lang,
};

function base64UrlKeys(keys) {
  const encoded = (hex) => btoa(String.fromCharCode(...hex.match(/../g).map((pair) => parseInt(pair, 16))))
    .replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return Object.fromEntries(Object.entries(keys).map(([kid, key]) => [encoded(kid), encoded(key)]));
}
