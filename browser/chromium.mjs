import { chromium } from 'playwright-core';

// A busy machine may take its time; what hangs ends all the same.
const PATIENCE_MILLISECONDS = 180_000;

/**
 * Runs `use` with a browser, and ends the browser whatever happens.
 *
 * @param {string} executable Chromium's path.
 * @param {(newPage: (width: number) => Promise<import('playwright-core').Page>) => Promise<void>} use
 */
export async function withChromium(executable, use) {
  const browser = await chromium.launch({
    executablePath: executable,
    timeout: PATIENCE_MILLISECONDS,
    // Only our own pages are opened: a sandbox, which a container may not have, would keep nothing out of them.
    chromiumSandbox: false,
    args: ['--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  try {
    await use(async (width) => {
      const page = await browser.newPage({ viewport: { width, height: 900 } });
      page.setDefaultTimeout(PATIENCE_MILLISECONDS);
      return page;
    });
  } finally {
    await browser.close();
  }
}

/** Calls `tell` with every error that the page's scripts raise or log, now and later. */
export function listen(page, tell) {
  page.on('pageerror', (error) => tell(error.stack ?? String(error)));
  page.on('console', (said) => said.type() === 'error' && tell(said.text()));
}
