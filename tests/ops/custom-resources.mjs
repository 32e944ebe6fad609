// Reads a JSON array of objects; prints what is wrong with them, a line each. Run from the folder that has the models.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRequire } from "node:module";
import * as prometheus from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
import * as keda from "@kubernetes-models/keda/keda.sh/v1alpha1";

const ts = createRequire(import.meta.url)("typescript");
const packages = {
  "monitoring.coreos.com/v1": [prometheus, "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1"],
  "keda.sh/v1alpha1": [keda, "@kubernetes-models/keda/keda.sh/v1alpha1"],
};

const objects = JSON.parse(readFileSync(0, "utf8"));
let source = "";
objects.forEach((object, number) => {
  const [models, path] = packages[object.apiVersion];
  try {
    new models[object.kind](object).validate();
  } catch (error) {
    console.log(`${object.kind}/${object.metadata.name}: ${error.message}`);
  }
  // An object literal may not have a property that its interface lacks: the models' own check lets those through.
  source += `import type { I${object.kind} as T${number} } from "${path}";\n`;
  source += `export const o${number}: T${number} = ${JSON.stringify(object, null, 1)};\n`;
});

const file = join(process.argv[2], `objects-${process.pid}.ts`);
writeFileSync(file, source);
const options = { noEmit: true, strict: true, skipLibCheck: true, module: ts.ModuleKind.ESNext, types: [],
  moduleResolution: ts.ModuleResolutionKind.Bundler, target: ts.ScriptTarget.ES2022 };
for (const found of ts.getPreEmitDiagnostics(ts.createProgram([file], options))) {
  console.log(ts.flattenDiagnosticMessageText(found.messageText, " "));
}
rmSync(file);
