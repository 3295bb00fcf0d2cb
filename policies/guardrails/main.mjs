// The SDK hands TypeScript to a compiler of 2018; what is imported from here is read by Node.js itself.
import "./index.ts";
