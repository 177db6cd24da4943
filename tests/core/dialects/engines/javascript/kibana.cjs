// Answers with the Query DSL that Kibana makes of a query in KQL, or with {"error"}.
const { fromKueryExpression, toElasticsearchQuery } = require("@cybernetex/kbn-es-query");

require("readline")
  .createInterface({ input: process.stdin })
  .on("line", (line) => {
    let answer;
    try {
      answer = toElasticsearchQuery(fromKueryExpression(JSON.parse(line)));
    } catch (error) {
      answer = { error: error.message };
    }
    console.log(JSON.stringify(answer));
  });
