import { type DataFrame, FieldType, getFieldDisplayName, type TimeRange } from '@grafana/data';
import { useTheme2 } from '@grafana/ui';

interface TimelineProps {
  frames: DataFrame[];
  range: TimeRange;
  height: number;
}

/** A bar for each series, as long as it had a value above 0; @grafana/ui has no component for it. */
export function Timeline({ frames, range, height }: TimelineProps) {
  const theme = useTheme2();
  const [from, to] = [range.from.valueOf(), range.to.valueOf()];
  const share = (milliseconds: number) => `${(100 * milliseconds) / (to - from)}%`;
  const color = theme.visualization.getColorByName('green');
  return (
    <div style={{ height, overflow: 'hidden', display: 'grid', gridTemplateColumns: 'max-content 1fr', gap: '2px 8px' }}>
      {frames.map((frame, index) => {
        const [time, value] = [frame.fields[0], frame.fields.find((field) => field.type === FieldType.number)!];
        const step = time.config.interval ?? 0;
        const there = time.values.filter((_, sample) => value.values[sample] > 0);
        return [
          <small key={`${index} name`}>{getFieldDisplayName(value, frame, frames)}</small>,
          <div key={`${index} bar`} style={{ position: 'relative', minHeight: 8 }}>
            {there.map((moment) => (
              <div
                key={moment}
                style={{
                  position: 'absolute',
                  height: '80%',
                  left: share(moment - from),
                  width: share(step),
                  background: color,
                }}
              />
            ))}
          </div>,
        ];
      })}
    </div>
  );
}
