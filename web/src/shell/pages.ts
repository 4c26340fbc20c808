import type { Component } from "svelte";
import type { Schema } from "../api/client.ts";

/** What a page is given: what the groups of its path matched, decoded. */
export interface PageProps {
  parameters: readonly string[];
}

export interface Page {
  path: RegExp;
  /** Whoever lacks it sees no link, and by the address that it is missing. */
  scope: Schema<"Scope">;
  title: "fleet" | "equipment" | "imports" | "import" | "system";
  /** Where the link in the header leads; a page without one is reached from others. */
  link?: string;
  load: () => Promise<{ default: Component<PageProps> | Component<Record<string, never>> }>;
}

export const PAGES: readonly Page[] = [
  {
    path: /^\/ui\/?$/,
    scope: "readings:read",
    title: "fleet",
    link: "/ui",
    load: () => import("../fleet/Fleet.svelte"),
  },
  {
    path: /^\/ui\/equipment\/([^/]*)$/,
    scope: "readings:read",
    title: "equipment",
    load: () => import("../equipment/Equipment.svelte"),
  },
  {
    path: /^\/ui\/imports\/?$/,
    scope: "imports:read",
    title: "imports",
    link: "/ui/imports",
    load: () => import("../imports/Imports.svelte"),
  },
  {
    path: /^\/ui\/imports\/([^/]+)\/?$/,
    scope: "imports:read",
    title: "import",
    load: () => import("../imports/one/ImportView.svelte"),
  },
  {
    path: /^\/ui\/system\/?$/,
    scope: "admin",
    title: "system",
    link: "/ui/system",
    load: () => import("../system/System.svelte"),
  },
];

export interface Match {
  page: Page;
  parameters: readonly string[];
}

/** The page at a path, or null. */
export function pageAt(pathname: string): Match | null {
  for (const page of PAGES) {
    const match = page.path.exec(pathname);
    const parameters = match && decoded(match.slice(1));
    if (parameters) return { page, parameters };
  }
  return null;
}

/** Null where the path is not percent-encoded as it should be. */
function decoded(groups: readonly string[]): readonly string[] | null {
  try {
    return groups.map(decodeURIComponent);
  } catch {
    return null;
  }
}
