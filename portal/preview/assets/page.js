// The preview page: one player, its rungs, and what it does at the moment. It asks nothing of anyone but its own server.
'use strict';

const TOKEN = location.hash.slice(1);
const TOKEN_HEADER = 'X-Pertitle-Token';
const CODEC_NAMES = {avc1: 'H.264', avc3: 'H.264', hvc1: 'HEVC', hev1: 'HEVC', av01: 'AV1', vp09: 'VP9'};

const part = (id) => document.getElementById(id);
const video = part('video');
const codecOf = (text) => (text ?? '').split('.')[0];
const languageNames = new Intl.DisplayNames(['en'], {type: 'language', fallback: 'code'});

let facts = null;
let player = null;
let choice = {codec: null, name: null};  // what the person wants: a codec, and a rung or null for automatic
const sheets = new Map();

async function ask(path, options = {}) {
  const answer = await fetch(path, {...options, headers: {...options.headers, [TOKEN_HEADER]: TOKEN}});
  if (!answer.ok) throw new Error((await answer.json().catch(() => null))?.detail ?? `${path}: ${answer.status}`);
  return answer;
}

function complain(text) {
  part('trouble').textContent = text;
  part('trouble').hidden = !text;
}

// Keys, as a license server would give them (W3C Encrypted Media Extensions, 9.1).
async function fetchKeys(kids) {
  if (kids.length === 0) return {};
  const body = JSON.stringify({kids: kids.map(toBase64Url), type: 'temporary'});
  const license = await (await ask('/license', {method: 'POST', body, headers: {'content-type': 'application/json'}})).json();
  return Object.fromEntries(license.keys.map((key) => [toHex(key.kid), toHex(key.k)]));
}

const toBase64Url = (hex) => btoa(String.fromCharCode(...hex.match(/../g).map((pair) => parseInt(pair, 16))))
  .replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const toHex = (text) => [...atob(text.replaceAll('-', '+').replaceAll('_', '/'))]
  .map((mark) => mark.charCodeAt(0).toString(16).padStart(2, '0')).join('');

async function begin() {
  if (!TOKEN) {
    complain('Open the whole address that `pertitle play` printed, with what follows the #.');
    return;
  }
  shaka.polyfill.installAll();
  facts = await (await ask('/facts')).json();
  document.title = `${facts.heading} · preview`;
  part('heading').textContent = facts.heading;
  const protection = facts.scheme === 'clear' ? 'in the clear' : `protected, ${facts.scheme}`;
  part('release').textContent = [facts.release_id && `Release ${facts.release_id}`, protection].filter(Boolean).join(' · ');
  for (const option of [...part('manifest').options]) if (!facts.manifests[option.value]) option.remove();
  choice.codec = codecOf(facts.rungs.find(isPlayable)?.codecs) || null;
  drawRungs();
  await load(0);
}

const isPlayable = (rung) => MediaSource.isTypeSupported(`video/mp4; codecs="${rung.codecs}"`);

async function load(time) {
  complain('');
  const wasPlaying = !video.paused;
  await player?.destroy();
  const mine = new shaka.Player();
  player = mine;
  part('speed').value = '1';
  await mine.attach(video);
  player.getNetworkingEngine().registerRequestFilter((_type, request) => { request.headers[TOKEN_HEADER] = TOKEN; });
  player.addEventListener('error', (event) => complain(`The player failed: shaka error ${event.detail.code}.`));
  for (const name of ['adaptation', 'variantchanged', 'trackschanged']) player.addEventListener(name, showTracks);
  player.configure({
    abr: {enabled: choice.name === null},
    drm: {clearKeys: await fetchKeys(facts.kids)},
    preferredVideo: choice.codec ? [{codec: choice.codec}] : [],
  });
  const path = facts.manifests[part('manifest').value];
  try {
    await player.load(`${location.origin}/presentation/${path}`, time);
  } catch (error) {
    // Whoever chooses twice in a row interrupts the first choice: no trouble.
    if (player === mine) complain(`The presentation cannot be played: shaka error ${error.code}.`);
    return;
  }
  part('position').disabled = part('play').disabled = false;
  part('position').max = video.duration;
  part('length').textContent = clock(video.duration);
  applyRung();
  showTracks();
  if (wasPlaying) await video.play();
}

// Rungs

function drawRungs() {
  const groups = Map.groupBy ? Map.groupBy(facts.rungs, (rung) => codecOf(rung.codecs)) : grouped(facts.rungs);
  part('rungs').replaceChildren(...[...groups].map(([codec, rungs]) => drawGroup(codec, rungs)));
}

function grouped(rungs) {
  const groups = new Map();
  for (const rung of rungs) groups.set(codecOf(rung.codecs), [...(groups.get(codecOf(rung.codecs)) ?? []), rung]);
  return groups;
}

function drawGroup(codec, rungs) {
  const playable = rungs.some(isPlayable);
  const table = make('table', {});
  const caption = make('caption', {textContent: CODEC_NAMES[codec] ?? codec});
  if (!playable) caption.append(make('small', {textContent: ' not played by this browser'}));
  const head = make('tr', {});
  head.append(...['Size', 'kb/s', 'VMAF'].map((text) => make('th', {textContent: text, scope: 'col'})));
  const body = make('tbody', {});
  body.append(drawChoice(codec, null, playable), ...rungs.toReversed().map((rung) => drawChoice(codec, rung, playable)));
  table.append(caption, make('thead', {}), body);
  table.tHead.append(head);
  return table;
}

function drawChoice(codec, rung, playable) {
  const row = make('tr', {});
  if (rung) row.dataset.rung = rung.name;
  const input = make('input', {type: 'radio', name: 'rung', disabled: !playable});
  input.checked = playable && codec === choice.codec && (rung?.name ?? null) === choice.name;
  input.dataset.codec = codec;
  input.dataset.rung = rung?.name ?? '';
  const label = make('label', {});
  label.append(input, rung ? `${rung.width_px}×${rung.height_px}` : 'Automatic');
  const rate = rung && (rung.bitrate_bps ?? rung.peak_bitrate_bps);
  const cells = [label, rung ? kilobits(rate) : '', rung?.vmaf == null ? '' : rung.vmaf.toFixed(1)];
  row.append(...cells.map((content) => { const cell = make('td', {}); cell.append(content); return cell; }));
  return row;
}

part('rungs').addEventListener('change', async (event) => {
  const {codec, rung} = event.target.dataset;
  const other = codec !== choice.codec;
  choice = {codec, name: rung || null};
  if (other) await load(video.currentTime);
  else applyRung();
});

function applyRung() {
  player.configure({abr: {enabled: choice.name === null}});
  const track = choice.name && variantOf(choice.name);
  if (track) player.selectVariantTrack(track, /* clearBuffer= */ true, /* safeMargin= */ 1);
}

// Variants of the codec in rising rate are its rungs in rising rate; DASH also names them.
function variantOf(name) {
  const language = activeVariant()?.language;
  const variants = player.getVariantTracks().filter((track) => !language || track.language === language);
  const named = variants.find((track) => track.originalVideoId === name);
  if (named) return named;
  const rungs = facts.rungs.filter((rung) => codecOf(rung.codecs) === choice.codec);
  const byRate = variants.toSorted((a, b) => a.bandwidth - b.bandwidth);
  return byRate[Math.round(rungs.findIndex((rung) => rung.name === name) * byRate.length / rungs.length)];
}

function rungOf(track) {
  const named = facts.rungs.find((rung) => rung.name === track.originalVideoId);
  const alike = facts.rungs.filter((rung) => rung.height_px === track.height && codecOf(rung.codecs) === codecOf(track.videoCodec));
  return named ?? (alike.length === 1 ? alike[0] : null);
}

const activeVariant = () => player.getVariantTracks().find((track) => track.active);

// Languages and subtitles

function showTracks() {
  const active = activeVariant();
  if (!active) return;
  const audio = new Map(player.getVariantTracks().map((track) => [audioKey(track), audioName(track)]));
  fill(part('audio'), [...audio], audioKey(active));
  const texts = player.getTextTracks().map((track) => [String(track.id), textName(track)]);
  const shown = player.getTextTracks().find((track) => track.active && isTextShown());
  fill(part('subtitles'), [['', 'off'], ...texts], shown ? String(shown.id) : '');
  part('subtitles').disabled = texts.length === 0;
  for (const row of part('rungs').querySelectorAll('tr[data-rung]')) row.classList.toggle('playing', row.dataset.rung === rungOf(active)?.name);
  showFacts();
}

const audioKey = (track) => [track.language, track.channelsCount ?? '', track.audioCodec ?? ''].join('/');
const audioName = (track) => `${languageName(track.language)}${track.channelsCount > 2 ? ' surround' : ''}`;
const textName = (track) => [languageName(track.language), track.forced ? 'forced' : ''].filter(Boolean).join(', ');
const isTextShown = () => player.isTextTrackVisible?.() ?? true;

function languageName(code) {
  try {
    return code && code !== 'und' ? languageNames.of(code) : 'undetermined';
  } catch {
    return code;
  }
}

part('audio').addEventListener('change', () => {
  const active = activeVariant();
  const wanted = player.getVariantTracks().filter((track) => audioKey(track) === part('audio').value);
  player.selectVariantTrack(wanted.find((track) => track.height === active.height && track.videoBandwidth === active.videoBandwidth) ?? wanted[0], true);
});

part('subtitles').addEventListener('change', () => {
  const track = player.getTextTracks().find((item) => String(item.id) === part('subtitles').value);
  player.selectTextTrack(track ?? null);
  player.setTextTrackVisibility?.(Boolean(track));
});

function fill(select, options, value) {
  select.replaceChildren(...options.map(([key, text]) => make('option', {value: key, textContent: text})));
  select.value = value;
  select.disabled = options.length < 2;
}

// Controls

const toggle = () => (video.paused ? video.play() : video.pause());
part('play').addEventListener('click', toggle);
video.addEventListener('click', toggle);
for (const name of ['play', 'pause', 'ended']) {
  video.addEventListener(name, () => { part('play').textContent = video.paused ? 'Play' : 'Pause'; });
}
part('volume').addEventListener('input', () => { video.volume = Number(part('volume').value); video.muted = false; });
part('mute').addEventListener('click', () => { video.muted = !video.muted; });
video.addEventListener('volumechange', () => part('mute').setAttribute('aria-pressed', String(video.muted)));
part('full').addEventListener('click', () => (document.fullscreenElement ? document.exitFullscreen() : part('screen').requestFullscreen()));
part('manifest').addEventListener('change', () => load(video.currentTime));
part('speed').addEventListener('change', () => {
  const rate = Number(part('speed').value);
  if (rate === 1) player.cancelTrickPlay();
  else player.trickPlay(rate);
});

const KEYS = {
  ' ': toggle,
  k: toggle,
  j: () => { video.currentTime -= 5; },
  l: () => { video.currentTime += 5; },
  ',': () => { video.pause(); video.currentTime -= 1 / frameRate(); },
  '.': () => { video.pause(); video.currentTime += 1 / frameRate(); },
  m: () => part('mute').click(),
  f: () => part('full').click(),
  c: () => { const list = part('subtitles'); list.selectedIndex = (list.selectedIndex + 1) % list.length; list.dispatchEvent(new Event('change')); },
};
const frameRate = () => activeVariant()?.frameRate || 25;

document.addEventListener('keydown', (event) => {
  const typing = /^(select|button|input)$/i.test(event.target.tagName) && (event.key === ' ' || event.target.tagName === 'SELECT');
  const action = KEYS[event.key.toLowerCase?.()];
  if (!action || typing || event.ctrlKey || event.metaKey || event.altKey || !player) return;
  event.preventDefault();
  action();
});

// Position and stills

const position = part('position');
position.addEventListener('input', () => { video.currentTime = Number(position.value); showStill(Number(position.value)); });
position.addEventListener('pointermove', (event) => {
  const box = position.getBoundingClientRect();
  showStill(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * video.duration);
});
for (const name of ['pointerleave', 'blur']) position.addEventListener(name, () => { part('preview').hidden = true; });

async function showStill(time) {
  if (!Number.isFinite(time) || !player) return;
  part('preview').style.left = `${(100 * time) / video.duration}%`;
  part('still-time').textContent = clock(time);
  part('preview').hidden = false;
  const images = player.getImageTracks?.() ?? [];
  part('still').hidden = images.length === 0;
  if (images.length === 0) return;
  const still = await player.getThumbnails(images[0].id, time).catch(() => null);
  part('still').hidden = !still;
  if (still) await drawStill(still);
}

async function drawStill(still) {
  const address = still.uris[0];
  if (!sheets.has(address)) sheets.set(address, ask(address).then((answer) => answer.blob()).then(createImageBitmap));
  const sheet = await sheets.get(address);
  const canvas = part('still');
  canvas.width = still.width;
  canvas.height = still.height;
  canvas.getContext('2d').drawImage(
    sheet, still.positionX, still.positionY, still.width, still.height, 0, 0, still.width, still.height);
  canvas.dataset.drawn = String(still.startTime);
}

// What happens now

function showFacts() {
  const active = player && activeVariant();
  if (!active) return;
  const rung = rungOf(active);
  const quality = video.getVideoPlaybackQuality();
  const rate = rung?.bitrate_bps ?? rung?.peak_bitrate_bps ?? active.videoBandwidth ?? active.bandwidth;
  part('fact-rung').textContent = `${active.width}×${active.height}`;
  part('fact-rate').textContent = `${CODEC_NAMES[codecOf(active.videoCodec)] ?? active.videoCodec}, ${kilobits(rate)} kb/s`;
  part('fact-quality').textContent = rung?.vmaf == null ? '–' : rung.vmaf.toFixed(1);
  part('fact-metric').textContent = facts.metric || 'not measured';
  part('fact-buffer').textContent = ahead().toFixed(1);
  part('fact-dropped').textContent = quality.droppedVideoFrames;
  part('fact-decoded').textContent = `of ${quality.totalVideoFrames}`;
  part('fact-bandwidth').textContent = `${(player.getStats().estimatedBandwidth / 1e6 || 0).toFixed(1)} Mb/s`;
}

function ahead() {
  const {buffered, currentTime} = video;
  for (let i = 0; i < buffered.length; i += 1) {
    if (buffered.start(i) <= currentTime + 0.1 && buffered.end(i) >= currentTime) return buffered.end(i) - currentTime;
  }
  return 0;
}

video.addEventListener('timeupdate', () => {
  part('now').textContent = clock(video.currentTime);
  if (document.activeElement !== position || !position.matches(':active')) position.value = video.currentTime;
  position.setAttribute('aria-valuetext', `${clock(video.currentTime)} of ${clock(video.duration)}`);
  position.style.setProperty('--ahead', `${(100 * (video.currentTime + ahead())) / video.duration}%`);
  showFacts();
});
video.addEventListener('progress', showFacts);

const kilobits = (bps) => (bps / 1000).toFixed(0);
const clock = (seconds) => {
  const whole = Math.floor(seconds || 0);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  const tail = String(whole % 60).padStart(2, '0');
  return hours ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`;
};
const make = (tag, properties) => Object.assign(document.createElement(tag), properties);

begin().catch((error) => complain(String(error.message ?? error)));
