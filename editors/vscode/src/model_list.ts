// The output of `midspan model list --json` as a list of choices.

export interface ListedModel {
  name: string;
  use?: string[];
  parameters?: number;
  size_bytes?: number;
  /** The form of its weights on this machine; null: the model does not fit. */
  form?: string | null;
  /** The expected speed on this machine; null: unknown. */
  tokens_per_s?: number | null;
  problem?: string;
}

export interface ModelListing {
  here: ListedModel[];
  begun: { name: string; size_bytes: number }[];
  catalogue: ListedModel[];
}

export type Section = 'completion' | 'chat';

export interface Choice {
  label: string;
  description: string;
  detail?: string;
  /** Undefined removes the setting: the built-in model completes, and no model chats. */
  model: string | undefined;
  /** The size of the download; undefined for a model on this machine. */
  sizeBytes?: number;
}

/** Returns the models for one use, first those that need no download. */
export function choices(listing: ModelListing, section: Section): Choice[] {
  const isFor = (model: ListedModel) => !model.problem && (model.use ?? []).includes(section);
  const none: Choice =
    section === 'completion'
      ? { label: 'built-in', description: 'small, completes Python, needs no download', model: undefined }
      : { label: 'none', description: 'no chat', model: undefined };
  return [
    none,
    ...listing.here.filter(isFor).map((model) => ({
      label: model.name,
      description: `downloaded, ${about(model)}`,
      model: model.name,
    })),
    ...listing.catalogue.filter(isFor).map((model) => ({
      label: `$(cloud-download) ${model.name}`,
      description: about(model),
      ...(model.form ? {} : { detail: 'Needs more memory than this machine has.' }),
      model: model.name,
      sizeBytes: model.size_bytes ?? 0,
    })),
  ];
}

/** Returns how much of a model is downloaded, in percent; undefined before the first byte. */
export function percentFetched(listing: ModelListing, name: string, sizeBytes: number): number | undefined {
  const begun = listing.begun.find((pull) => pull.name === name);
  return begun && sizeBytes ? Math.min(100, (100 * begun.size_bytes) / sizeBytes) : undefined;
}

function about({ parameters, size_bytes, form, tokens_per_s }: ListedModel): string {
  return [
    parameters ? `${(parameters / 1e9).toFixed(1)} B` : '',
    size_bytes ? `${(size_bytes / 1e9).toFixed(1)} GB` : '',
    form ? `runs as ${form}` : '',
    tokens_per_s ? `about ${tokens_per_s.toFixed(tokens_per_s < 10 ? 1 : 0)} tokens/s` : '',
  ]
    .filter(Boolean)
    .join(', ');
}
