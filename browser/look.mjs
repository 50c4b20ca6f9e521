// node look.mjs CHROMIUM < site: reads {origin, pages}, and opens each page, given as a path, at that origin.
// Prints a line for each thing that a reader would miss, and ends with 1 if there is one.
import { text } from 'node:stream/consumers';

import { listen, withChromium } from './chromium.mjs';

const WIDTH = 1280;

const { origin, pages } = JSON.parse(await text(process.stdin));
const complaints = [];
await withChromium(process.argv[2], async (newPage) => {
  const page = await newPage(WIDTH);
  let path = '';
  const complain = (what) => complaints.push(`${path}: ${what}`);
  listen(page, complain);
  page.on('request', (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith('data:')) {
      complain(`fetches ${request.url()}, which is elsewhere`);
    }
  });
  page.on('response', (response) => response.status() >= 400 && complain(`${response.url()} is not there`));
  for (path of pages) {
    await page.goto(origin + path, { waitUntil: 'load' });
    const found = await page.evaluate(() => ({
      blank: [...document.images].filter((image) => image.naturalWidth === 0).map((image) => image.src),
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    }));
    found.blank.forEach((image) => complain(`the picture ${image} is blank`));
    if (found.overflow > 0) {
      complain(`is ${found.overflow} pixels wider than a window of ${WIDTH}`);
    }
  }
});
console.log(complaints.join('\n'));
process.exitCode = complaints.length > 0 ? 1 : 0;
