import { createTheme, type DataFrame, dateTime, type GrafanaTheme2, type TimeRange } from '@grafana/data';
import { GlobalStyles, ThemeContext } from '@grafana/ui';
import { useEffect } from 'react';
import { createRoot } from 'react-dom/client';

import { prepared } from './data';
import type { Drawing } from './document';
import { PanelBox } from './panel';

/** Grafana's grid: 24 columns, rows of 30 pixels, and 8 pixels between panels. */
const COLUMNS = 24;
const ROW_HEIGHT = 30;
const GAP = 8;
const PADDING = 16;

declare global {
  interface Window {
    /** Draws a dashboard into the page; done when it is painted. */
    draw: (drawing: Drawing) => Promise<void>;
  }
}

interface PageProps {
  drawing: Drawing;
  data: DataFrame[][];
  onPainted: () => void;
}

function Page({ drawing, data, onPainted }: PageProps) {
  const range = rangeOf(drawing);
  const column = (document.documentElement.clientWidth - 2 * PADDING + GAP) / COLUMNS;
  const bottom = Math.max(...drawing.panels.map(({ panel }) => panel.gridPos.y + panel.gridPos.h));
  useEffect(() => {
    // Plots are painted with the frame after the one in which they are made.
    requestAnimationFrame(() => requestAnimationFrame(onPainted));
  }, [onPainted]);
  return (
    <main style={{ padding: PADDING }}>
      <Header drawing={drawing} range={range} />
      <div style={{ position: 'relative', height: bottom * (ROW_HEIGHT + GAP) - GAP }}>
        {drawing.panels.map(({ panel }, index) => {
          const { x, y, w, h } = panel.gridPos;
          const [width, height] = [w * column - GAP, h * (ROW_HEIGHT + GAP) - GAP];
          return (
            <div key={panel.id} style={{ position: 'absolute', left: x * column, top: y * (ROW_HEIGHT + GAP) }}>
              <PanelBox panel={panel} data={data[index]} marks={drawing.marks} {...{ range, width, height }} />
            </div>
          );
        })}
      </div>
    </main>
  );
}

function Header({ drawing, range }: { drawing: Drawing; range: TimeRange }) {
  const time = `${range.from.utc().format('YYYY-MM-DD HH:mm')} to ${range.to.utc().format('HH:mm')} UTC`;
  return (
    <header style={{ display: 'flex', gap: 24, alignItems: 'baseline', marginBottom: GAP }}>
      <h3>{drawing.title}</h3>
      {Object.entries(drawing.chosen).map(([name, value]) => (
        <span key={name}>
          {name} <strong>{value}</strong>
        </span>
      ))}
      <span style={{ marginLeft: 'auto' }}>{time}</span>
    </header>
  );
}

function rangeOf(drawing: Drawing): TimeRange {
  const [from, to] = [dateTime(drawing.from), dateTime(drawing.to)];
  return { from, to, raw: { from, to } };
}

window.draw = async (drawing) => {
  const theme: GrafanaTheme2 = createTheme({ colors: { mode: 'light' } });
  const data = await Promise.all(drawing.panels.map(({ panel, frames }) => prepared(panel, frames, theme)));
  await new Promise<void>((painted, failed) =>
    createRoot(document.body.appendChild(document.createElement('div')), { onUncaughtError: failed }).render(
      <ThemeContext.Provider value={theme}>
        <GlobalStyles />
        <Page drawing={drawing} data={data} onPainted={painted} />
      </ThemeContext.Provider>
    )
  );
};
