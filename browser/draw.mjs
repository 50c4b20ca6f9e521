// node draw.mjs CHROMIUM < pictures: reads [{document, picture}], files of drawings and of the PNGs to be made of them.
// Prints what the page complained of, and ends with 1 if it did.
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { listen, withChromium } from './chromium.mjs';

const WIDTH = 1280;
// Nothing is asked of it: what a page on it asks for is answered here. A page without an origin may store nothing.
const ORIGIN = 'http://dashboards.invalid/';
const PAGE = '<!doctype html><link rel="stylesheet" href="/page.css"><body style="margin: 0"><script src="/page.js"></script>';

const beside = (name) => fileURLToPath(new URL(name, import.meta.url));

/** A file of ours by its path; Grafana's icons lie beside the page, wherever it looks for them. */
function answer(path) {
  const [, icon] = path.split('/img/icons/');
  return path === '/' ? { contentType: 'text/html', body: PAGE } : { path: beside(icon ? `icons/${icon}` : `.${path}`) };
}

const pictures = JSON.parse(await text(process.stdin));
const complaints = [];
await withChromium(process.argv[2], async (newPage) => {
  for (const { document, picture } of pictures) {
    const page = await newPage(WIDTH);
    listen(page, (error) => complaints.push(`${document}: ${error}`));
    await page.route('**/*', (route) =>
      route.fulfill(answer(new URL(route.request().url()).pathname)).catch(() => route.fulfill({ status: 404 }))
    );
    page.on('response', (response) => response.ok() || complaints.push(`${document}: ${response.url()} is not there`));
    await page.goto(ORIGIN);
    try {
      await page.evaluate((drawing) => window.draw(drawing), JSON.parse(await readFile(document, 'utf8')));
      await page.screenshot({ path: picture, fullPage: true });
    } catch (error) {
      // Told with the others: one before it may be the reason.
      complaints.push(`${document}: ${error.message}`);
    }
    await page.close();
  }
});
console.log(complaints.join('\n'));
process.exitCode = complaints.length > 0 ? 1 : 0;
