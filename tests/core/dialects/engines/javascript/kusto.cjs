// Reads the columns of the table `shop`, then answers each query in KQL with the faults that Kusto's language service finds.
require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");
const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language;

let globals;

function answer(question) {
  if (!globals) {
    const table = Symbols.TableSymbol.From(question).WithName("shop");
    globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.$ctor1("db", [table]));
    return [];
  }
  const diagnostics = KustoCode.ParseAndAnalyze(question, globals).GetDiagnostics();
  return Array.from({ length: diagnostics.Count }, (_, index) => diagnostics.getItem(index).Message);
}

require("readline")
  .createInterface({ input: process.stdin })
  .on("line", (line) => console.log(JSON.stringify(answer(JSON.parse(line)))));
