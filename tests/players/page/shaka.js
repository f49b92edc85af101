'use strict';

shaka.polyfill.installAll();
const player = new shaka.Player();

const active = () => player.getVariantTracks().find((track) => track.active);
const said = (error) => `shaka ${error.code} ${String(error.data).slice(0, 200)}`;

const driver = {
  async open({url, keys, codec}) {
    await player.attach(video);
    player.addEventListener('error', (event) => {
      if (event.detail.severity === shaka.util.Error.Severity.CRITICAL) complain(said(event.detail));
    });
    player.configure({
      abr: {enabled: false},
      preferredVideo: codec ? [{codec}] : [],
      streaming: {bufferingGoal: 3, rebufferingGoal: 0.2, bufferBehind: 1},
      drm: keys ? {clearKeys: keys} : {},
    });
    try {
      await player.load(new URL(url, location).href);
    } catch (error) {
      throw new Refused(said(error));
    }
    return driver.tracks();
  },

  async tracks() {
    const variants = player.getVariantTracks();
    return {
      heights: [...new Set(variants.map((track) => track.height))].sort((a, b) => a - b),
      languages: [...new Set(variants.map((track) => track.language))].sort(),
      codecs: [...new Set(variants.map((track) => track.videoCodec))].sort(),
      texts: player.getTextTracks().map((track) => track.language).sort(),
      images: player.getImageTracks().map((track) => `${track.width}x${track.height}`),
      keySystem: player.drmInfo()?.keySystem ?? '',
    };
  },

  force(height) {
    const {language} = active();
    const track = player.getVariantTracks().find((item) => item.height === height && item.language === language);
    if (!track) throw new Error(`no variant of height ${height}`);
    player.selectVariantTrack(track, /* clearBuffer= */ true, /* safeMargin= */ 0);
  },

  speak(language) {
    const {height} = active();
    const track = player.getVariantTracks().find((item) => item.height === height && item.language === language);
    player.selectVariantTrack(track, /* clearBuffer= */ true, /* safeMargin= */ 0);
  },

  read(language) {
    player.selectTextTrack(player.getTextTracks().find((track) => track.language === language));
    player.setTextTrackVisibility?.(true);
  },

  // The still of a time: where it is on which sheet, and the sheet itself.
  async still({time}) {
    const found = await player.getThumbnails(player.getImageTracks()[0].id, time);
    const sheet = await (await fetch(found.uris[0])).arrayBuffer();
    return {
      x: found.positionX, y: found.positionY, width: found.width, height: found.height, start: found.startTime,
      jpeg: btoa(String.fromCharCode(...new Uint8Array(sheet))),
    };
  },

  trick: (rate) => player.trickPlay(rate),
  untrick: () => player.cancelTrickPlay(),

  spoken: () => active().language,
};
