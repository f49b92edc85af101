// Debian's Chromium with a fresh profile, for one session.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {chromium} from 'playwright-core';

// Larger than any wait should take on a busy machine; what is waited for are events, never this.
export const GUARD_MS = 120_000;

export async function launch(viewport, scale = 1) {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'pertitle-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    // A container's root has no user namespaces for Chromium's own sandbox; it sees our files only.
    chromiumSandbox: false,
    viewport,
    deviceScaleFactor: scale,
    args: [
      '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required',
    ],
  });
  context.setDefaultTimeout(GUARD_MS);
  const close = async () => {
    await context.close();
    fs.rmSync(profile, {recursive: true, force: true});
  };
  return {context, close};
}
