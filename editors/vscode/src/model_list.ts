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
  /** The uses for which it is fast enough on this machine. */
  fast_enough?: string[];
  /** The uses for which it is the best of those that are fast enough. */
  recommended?: string[];
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

/** Returns the models for one use, first those that need no download. `now` is the name of the one that is in use. */
export function choices(listing: ModelListing, section: Section, now?: string): Choice[] {
  const isFor = (model: ListedModel) => !model.problem && (model.use ?? []).includes(section);
  const none: Choice =
    section === 'completion'
      ? { label: 'built-in', description: 'small, completes Python, needs no download', model: undefined }
      : { label: 'none', description: 'no chat', model: undefined };
  const marked = (choice: Choice, model?: ListedModel): Choice => {
    const isNow = model ? model.name === now : now === '' || now === choice.label;
    const marks = [isNow ? '$(check) in use' : '', model ? advice(model, section) : ''].filter(Boolean).join(', ');
    return marks ? { ...choice, detail: marks } : choice;
  };
  return [
    marked(none),
    ...listing.here.filter(isFor).map((model) =>
      marked({ label: model.name, description: `downloaded, ${about(model)}`, model: model.name }, model),
    ),
    ...listing.catalogue.filter(isFor).map((model) =>
      marked(
        {
          label: `$(cloud-download) ${model.name}`,
          description: about(model),
          model: model.name,
          sizeBytes: model.size_bytes ?? 0,
        },
        model,
      ),
    ),
  ];
}

function advice(model: ListedModel, section: Section): string {
  if (!model.form) {
    return 'needs more memory than this machine has';
  }
  if (model.recommended?.includes(section)) {
    return '$(star-full) recommended: the largest that is fast enough here';
  }
  if (model.fast_enough?.includes(section)) {
    return 'fast enough here';
  }
  return model.tokens_per_s ? '$(warning) slow here' : '';
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
