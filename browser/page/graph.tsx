import type { DataFrame, TimeRange } from '@grafana/data';
import type { VizLegendOptions } from '@grafana/schema';
import { TimeSeries, type UPlotConfigBuilder, useTheme2 } from '@grafana/ui';
import { useLayoutEffect } from 'react';

import type { Mark } from './document';

interface GraphProps {
  frames: DataFrame[];
  legend: VizLegendOptions;
  range: TimeRange;
  marks: Mark[];
  width: number;
  height: number;
}

/** Lines over time, with the dashboard's marks across them. */
export function Graph({ frames, legend, range, marks, width, height }: GraphProps) {
  return (
    <TimeSeries frames={frames} legend={legend} timeRange={range} timeZone="utc" width={width} height={height}>
      {(config: UPlotConfigBuilder) => <Marks config={config} marks={marks} />}
    </TimeSeries>
  );
}

/** Adds to the plot, before it is made, what Grafana draws for annotations: a dashed line where a span begins and ends. */
function Marks({ config, marks }: { config: UPlotConfigBuilder; marks: Mark[] }) {
  const theme = useTheme2();
  useLayoutEffect(() => {
    config.addHook('draw', (plot) => {
      const { ctx, bbox } = plot;
      ctx.save();
      ctx.setLineDash([5, 5]);
      for (const { color, spans } of marks) {
        ctx.strokeStyle = theme.visualization.getColorByName(color);
        for (const moment of spans.flat()) {
          const x = plot.valToPos(moment, 'x', true);
          ctx.beginPath();
          ctx.moveTo(x, bbox.top);
          ctx.lineTo(x, bbox.top + bbox.height);
          ctx.stroke();
        }
      }
      ctx.restore();
    });
  }, [config, marks, theme]);
  return null;
}
