import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const server = process.env["KAK_SERVER"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  // Nothing is inlined: the server's content security policy allows only what it serves itself.
  build: { assetsInlineLimit: 0, sourcemap: true, target: "es2023" },
  server: { proxy: { "/api": { target: server, ws: true } } },
  test: {
    environment: "jsdom",
    globals: true,
    include: ["tests/**/*.test.{ts,tsx}"],
    setupFiles: ["tests/setup.ts"],
    testTimeout: 30_000,
    silent: "passed-only",
  },
});
