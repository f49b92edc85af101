// Serves one folder on loopback, with byte ranges, and remembers what was asked for.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

const TYPES = {
  '.mpd': 'application/dash+xml',
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.m4s': 'video/iso.segment',
  '.mp4': 'video/mp4',
  '.vtt': 'text/vtt',
  '.jpg': 'image/jpeg',
  '.html': 'text/html',
  '.js': 'text/javascript',
};

export async function serve(roots) {
  const requests = [];
  const server = http.createServer((request, response) => {
    const where = decodeURIComponent(new URL(request.url, 'http://loopback').pathname);
    const file = locate(roots, where);
    requests.push({path: where, status: file ? 200 : 404});
    if (file) send(request, response, file);
    else response.writeHead(404).end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {origin: `http://127.0.0.1:${server.address().port}`, requests, close: () => server.close()};
}

// The first part of a path names a root: /page/…, /modules/…, /media/….
function locate(roots, where) {
  const [, name, ...rest] = path.posix.normalize(where).split('/');
  const root = roots[name];
  const file = root && path.join(root, ...rest);
  return file && fs.statSync(file, {throwIfNoEntry: false})?.isFile() ? file : null;
}

function send(request, response, file) {
  const size = fs.statSync(file).size;
  const headers = {
    'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream',
    'accept-ranges': 'bytes',
    'cache-control': 'no-store',
  };
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const start = range ? Number(range[1]) : 0;
  const end = range?.[2] ? Math.min(Number(range[2]), size - 1) : size - 1;
  if (range) headers['content-range'] = `bytes ${start}-${end}/${size}`;
  response.writeHead(range ? 206 : 200, {...headers, 'content-length': end - start + 1});
  fs.createReadStream(file, {start, end}).pipe(response);
}
