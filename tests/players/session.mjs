// One browser session: reads cases from standard input, a line of JSON each, and answers each with a line.
//
//   node session.mjs MEDIA_FOLDER
//   {"player": "shaka", "url": "/media/…", "steps": [["open", {…}], ["play", {…}], …]}
//   {"steps": [{…}, …], "error": null, "requests": […]}
//
// Every case gets a page of its own. The first step that fails ends the case; "error" then says why.
import path from 'node:path';
import readline from 'node:readline';
import {GUARD_MS, launch} from './browser.mjs';
import {serve} from './server.mjs';

const HERE = import.meta.dirname;
const LIBRARIES = {
  shaka: 'shaka-player/dist/shaka-player.compiled.js',
  dashjs: 'dashjs/dist/modern/umd/dash.all.min.js',
  hlsjs: 'hls.js/dist/hls.min.js',
};
const server = await serve({
  media: path.resolve(process.argv[2]),
  page: path.join(HERE, 'page'),
  modules: path.join(HERE, 'node_modules'),
});
const {context, close} = await launch({width: 1280, height: 720});

async function run(item) {
  server.requests.length = 0;
  const page = await context.newPage();
  const answer = {steps: [], error: null};
  try {
    await page.goto(`${server.origin}/page/index.html`);
    await page.addScriptTag({url: `/modules/${LIBRARIES[item.player]}`});
    for (const file of ['waits', 'video', item.player]) await page.addScriptTag({url: `/page/${file}.js`});
    for (const [name, options] of item.steps) answer.steps.push(await step(page, item, name, options ?? {}));
  } catch (error) {
    answer.error = String(error.message ?? error).split('\n')[0];
  } finally {
    await page.close();
  }
  return {...answer, requests: [...server.requests]};
}

async function step(page, item, name, options) {
  const found = await page.evaluate(
    ({guardMs, name, options}) => window.takeStep(name, options, guardMs),
    {guardMs: GUARD_MS, name, options: name === 'open' ? {url: item.url, keys: item.keys, ...options} : options},
  );
  if (name !== 'picture') return found;
  const image = await page.locator('video').screenshot({type: 'png', timeout: GUARD_MS});
  return {...found, png: image.toString('base64')};
}

for await (const line of readline.createInterface({input: process.stdin})) {
  process.stdout.write(`${JSON.stringify(await run(JSON.parse(line)))}\n`);
}
await close();
server.close();
