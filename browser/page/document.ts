import type { DataFrameDTO, DataTransformerConfig, FieldConfigSource } from '@grafana/data';
import type { VizLegendOptions } from '@grafana/schema';

/** A dashboard with its data, as `dashboards/drawing.py` writes it. Times are milliseconds since the epoch. */
export interface Drawing {
  title: string;
  /** What was chosen for the variables, by name. */
  chosen: Record<string, string>;
  from: number;
  to: number;
  panels: Array<{ panel: Panel; frames: DataFrameDTO[] }>;
  marks: Mark[];
}

/** What is read of a panel in the dashboard's JSON. */
export interface Panel {
  id: number;
  type: 'row' | 'timeseries' | 'state-timeline' | 'table';
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig: FieldConfigSource;
  options: { legend: VizLegendOptions };
  transformations?: DataTransformerConfig[];
}

/** An annotation: a name, a colour of the theme, and from when to when its query found something. */
export interface Mark {
  name: string;
  color: string;
  spans: Array<[number, number]>;
}
