// Parses an AsyncAPI document as its official parser does, and says what it finds. Ends with 1 where there is an error.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [installed, file] = process.argv.slice(2);
const { Parser } = createRequire(join(installed, 'package.json'))('@asyncapi/parser');

const SEVERITIES = ['error', 'warning', 'information', 'hint'];
const { document, diagnostics } = await new Parser().parse(readFileSync(file, 'utf8'));
for (const { severity, code, path, message } of diagnostics) {
  console.log(`${SEVERITIES[severity]} ${code} at ${path.join('.')}: ${message}`);
}
const errors = diagnostics.filter(({ severity }) => severity === 0).length;
if (errors > 0 || document === undefined) {
  console.log(`${file} is no AsyncAPI document: ${errors} errors`);
  process.exit(1);
}
const operations = document.operations().length;
console.log(`${file} is AsyncAPI ${document.version()}: ${operations} operations, ${diagnostics.length - errors} warnings`);
