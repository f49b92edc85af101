// A person's visit to the preview page. Reads one line of JSON, {"url": "http://…/#token", "picture": "file or empty"},
// from standard input (the address is a secret) and answers with one line: what was on the page and what happened.
import readline from 'node:readline';
import {GUARD_MS, launch} from './browser.mjs';

const lines = readline.createInterface({input: process.stdin})[Symbol.asyncIterator]();
const {url, picture} = JSON.parse((await lines.next()).value);
const {context, close} = await launch({width: 1280, height: picture ? 800 : 900});
const page = await context.newPage();
const answer = {console: [], foreign: [], licenses: 0, seen: [], error: null};
page.on('console', (message) => { if (message.type() !== 'debug') answer.console.push(message.text()); });
page.on('pageerror', (error) => answer.console.push(String(error)));
page.on('request', (request) => {
  if (!request.url().startsWith(new URL(url).origin) && !/^(blob|data):/.test(request.url())) answer.foreign.push(request.url());
  if (request.url().endsWith('/license')) answer.licenses += 1;
});

const texts = (selector) => page.locator(selector).allTextContents();
const video = () => page.evaluate(() => {
  const {currentTime, videoHeight, paused} = document.querySelector('video');
  return {currentTime, videoHeight, paused, frames: document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames};
});
const plays = (from) => page.waitForFunction(
  (before) => { const v = document.querySelector('video'); return v.currentTime > before.currentTime && v.getVideoPlaybackQuality().totalVideoFrames > before.frames; },
  from, {timeout: GUARD_MS});
const showsHeight = (height) => page.waitForFunction((wanted) => document.querySelector('video').videoHeight === wanted, height, {timeout: GUARD_MS});

async function visit() {
  await page.goto(url);
  await page.waitForSelector('#play:not([disabled]), #trouble:not([hidden])');
  answer.trouble = (await texts('#trouble')).join('');
  answer.heading = (await texts('h1')).join('');
  answer.release = (await texts('#release')).join('');
  if (answer.trouble) return;
  answer.audio = await texts('#audio option');
  answer.subtitles = await texts('#subtitles option');
  await page.keyboard.press('Space');
  await plays({currentTime: 0, frames: 0});
  for (const row of await page.locator('#rungs tr[data-rung]').all()) await choose(row);
  if (!(await video()).paused) await page.keyboard.press('Space');
  await page.waitForFunction(() => document.querySelector('video').paused);
  const box = await page.locator('#position').boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.waitForSelector('#preview:not([hidden])');
  answer.still = (await texts('#still-time')).join('');
  if (await page.locator('#still:not([hidden])').count()) await page.waitForSelector('#still[data-drawn]');
  answer.facts = Object.fromEntries((await page.locator('.facts div').all()).length
    ? await page.locator('.facts div').evaluateAll((all) => all.map((one) => [one.querySelector('dt').textContent, one.querySelector('dd').textContent]))
    : []);
  answer.nameless = await page.locator('button, input, select').evaluateAll((all) => all
    .filter((one) => !one.labels?.length && !one.getAttribute('aria-label') && !one.textContent.trim()).map((one) => one.id));
  if (picture) await photograph();
  answer.frame = (await page.locator('video').screenshot()).toString('base64');
}

// For the documents: the best rung, at a third of the title.
async function photograph() {
  await page.locator('#rungs tr[data-rung] input').first().check();
  await page.evaluate(() => { document.querySelector('video').currentTime = document.querySelector('video').duration / 3; });
  await page.waitForFunction(() => !document.querySelector('video').seeking && document.querySelector('video').readyState > 1);
  await page.screenshot({path: picture});
}

async function choose(row) {
  const radio = row.locator('input');
  const [name, size] = [await row.getAttribute('data-rung'), (await row.locator('label').textContent()).trim()];
  if (await radio.isDisabled()) {
    answer.seen.push({name, size, height: 0});
    return;
  }
  await radio.check();
  await page.waitForSelector(`tr.playing[data-rung="${name}"]`);
  await showsHeight(Number(size.split('×')[1]));
  // Back to the start: a short title may have ended meanwhile.
  const before = await page.evaluate(async () => {
    const element = document.querySelector('video');
    element.currentTime = 0;
    await element.play();
    return element.getVideoPlaybackQuality().totalVideoFrames;
  });
  await plays({currentTime: 0, frames: before});
  answer.seen.push({name, size, height: (await video()).videoHeight});
}

try {
  await visit();
} catch (error) {
  answer.error = `${String(error.message).split('\n')[0]}; ${JSON.stringify(await video().catch(() => null))}`;
}
process.stdout.write(`${JSON.stringify(answer)}\n`);
await close();
