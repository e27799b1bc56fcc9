import "@testing-library/jest-dom/vitest";
import { configure } from "@testing-library/react";

// Patience costs nothing where all is well: a busy machine is not a fault of the console.
configure({ asyncUtilTimeout: 10_000 });
