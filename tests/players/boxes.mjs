// Tells what mp4box reads in files: node boxes.mjs FILE… → one JSON document, an entry for each file.
import * as MP4Box from 'mp4box';
import fs from 'node:fs';

const hex = (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes ?? []).toString('hex'));

function* find(node, kind) {
  for (const box of [...(node.boxes ?? []), ...(node.entries ?? [])]) {
    if (box.type === kind) yield box;
    yield* find(box, kind);
  }
}

function read(path) {
  const content = fs.readFileSync(path);
  const buffer = content.buffer.slice(content.byteOffset, content.byteOffset + content.byteLength);
  buffer.fileStart = 0;
  const file = MP4Box.createFile(true);
  file.appendBuffer(buffer);
  file.flush();
  return file;
}

function facts(path) {
  const file = read(path);
  const all = (kind, tell) => [...find(file, kind)].map(tell);
  return {
    schm: all('schm', (box) => box.scheme_type),
    tenc: all('tenc', (box) => ({
      kid: hex(box.default_KID),
      iv_bytes: box.default_Per_Sample_IV_Size,
      pattern: [box.default_crypt_byte_block ?? 0, box.default_skip_byte_block ?? 0],
      constant_iv: hex(box.default_constant_IV),
    })),
    pssh: all('pssh', (box) => hex(box.system_id).replaceAll('-', '')),
    saiz: all('saiz', (box) => box.sample_count),
    saio: all('saio', (box) => box.offset.map(Number)),
    tfdt: all('tfdt', (box) => Number(box.baseMediaDecodeTime)),
    trun: all('trun', (box) => ({samples: box.sample_count, sizes: [...box.sample_size], durations: [...box.sample_duration]})),
    senc: all('senc', (box) => ({size: box.size, flags: box.flags})),
  };
}

console.log(JSON.stringify(Object.fromEntries(process.argv.slice(2).map((path) => [path, facts(path)]))));
