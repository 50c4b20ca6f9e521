import type { DataFrame, TimeRange } from '@grafana/data';
import { PanelChrome } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';

import type { Mark, Panel } from './document';
import { Graph } from './graph';
import { Timeline } from './timeline';

interface PanelProps {
  panel: Panel;
  data: DataFrame[];
  range: TimeRange;
  marks: Mark[];
  width: number;
  height: number;
}

/** A panel in its frame, or the title of a row. */
export function PanelBox(props: PanelProps) {
  const { panel, width, height } = props;
  if (panel.type === 'row') {
    return <h5 style={{ lineHeight: `${height}px`, margin: 0 }}>{panel.title}</h5>;
  }
  return (
    <PanelChrome title={panel.title} width={width} height={height}>
      {(width, height) => <Content {...props} width={width} height={height} />}
    </PanelChrome>
  );
}

function Content({ panel, data, range, marks, width, height }: PanelProps) {
  if (!data.some((frame) => frame.length > 0)) {
    const nothing = panel.fieldConfig.defaults.noValue ?? 'No data';
    return <div style={{ display: 'grid', placeItems: 'center', height }}>{nothing}</div>;
  }
  switch (panel.type) {
    case 'table':
      return <TableNG data={data[0]} width={width} height={height} />;
    case 'state-timeline':
      return <Timeline frames={data} range={range} height={height} />;
    default:
      return <Graph frames={data} legend={panel.options.legend} {...{ range, marks, width, height }} />;
  }
}
