import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { precompress } from "./build/precompress.ts";

/** What `npm run dev` passes on to a running server, such as that of `make demo`. */
const API = process.env.SENSORFLOW_URL ?? "http://127.0.0.1:8000";
const API_PATHS = [
  "/auth",
  "/docs",
  "/equipment",
  "/health",
  "/imports",
  "/sensor-data",
  "/system",
];

export default defineConfig({
  base: "/ui/",
  plugins: [svelte(), precompress()],
  build: {
    outDir: "../api/dashboard/files",
    emptyOutDir: true,
    // Every file by its own URL: the page's policy allows no data: URLs and no inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: Object.fromEntries(API_PATHS.map((path) => [path, API])) },
});
