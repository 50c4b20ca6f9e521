import {
  applyFieldOverrides,
  cacheFieldDisplayNames,
  type DataFrame,
  type DataFrameDTO,
  FieldConfigOptionsRegistry,
  type FieldConfigPropertyItem,
  type GrafanaTheme2,
  identityOverrideProcessor,
  standardTransformers,
  standardTransformersRegistry,
  toDataFrame,
  transformDataFrame,
} from '@grafana/data';
import { lastValueFrom } from 'rxjs';

import type { Panel } from './document';

/** What Grafana's time series panel adds to a dashboard's JSON where that says nothing. */
const LINES = {
  color: { mode: 'palette-classic' },
  custom: {
    drawStyle: 'line',
    lineInterpolation: 'linear',
    lineWidth: 1,
    fillOpacity: 0,
    gradientMode: 'none',
    spanNulls: false,
    showPoints: 'auto',
    pointSize: 5,
    axisPlacement: 'auto',
    stacking: { mode: 'none', group: 'A' },
  },
};

standardTransformersRegistry.setInit(() =>
  [standardTransformers.mergeTransformer, standardTransformers.organizeFieldsTransformer].map((transformation) => ({
    id: transformation.id,
    name: transformation.name,
    transformation: () => Promise.resolve(transformation),
    editor: () => null,
    imageDark: '',
    imageLight: '',
  }))
);

/** A panel's data as Grafana gives it to the panel: transformed, with the field options and overrides in force. */
export async function prepared(panel: Panel, frames: DataFrameDTO[], theme: GrafanaTheme2): Promise<DataFrame[]> {
  if (panel.type === 'row') {
    return [];
  }
  const { defaults, overrides } = panel.fieldConfig;
  const custom = { ...LINES.custom, ...defaults.custom };
  const data = await lastValueFrom(transformDataFrame(panel.transformations ?? [], frames.map((frame) => toDataFrame(frame))));
  const configured = applyFieldOverrides({
    data,
    fieldConfig: { defaults: panel.type === 'table' ? defaults : { ...LINES, ...defaults, custom }, overrides },
    fieldConfigRegistry: registry(),
    replaceVariables: (text) => text,
    theme,
    timeZone: 'utc',
  });
  // Tables head their columns with what is remembered here.
  cacheFieldDisplayNames(configured);
  return configured;
}

/** The properties that `applyFieldOverrides` takes over from a dashboard: in Grafana each kind of panel declares its own. */
const PROPERTIES = ['unit', 'decimals', 'min', 'max', 'color', 'noValue', ...Object.keys(LINES.custom), 'lineStyle'];

function registry(): FieldConfigOptionsRegistry {
  const property = (path: string): FieldConfigPropertyItem => {
    const isCustom = path === 'lineStyle' || path in LINES.custom;
    return {
      id: isCustom ? `custom.${path}` : path,
      path,
      name: path,
      isCustom,
      process: identityOverrideProcessor,
      shouldApply: () => true,
      editor: () => null,
      override: () => null,
    };
  };
  return new FieldConfigOptionsRegistry(() => PROPERTIES.map(property));
}
