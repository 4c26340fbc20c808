class Title {
  /** What the document is called more precisely than by its page, such as a file. */
  name = $state<string | null>(null);
}

export const title = new Title();

/** Call the document by this name while the component is shown, once there is one. */
export function nameDocument(name: () => string | undefined): void {
  $effect(() => {
    title.name = name() ?? null;
    return () => {
      title.name = null;
    };
  });
}
