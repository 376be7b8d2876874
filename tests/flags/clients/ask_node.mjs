// Asks a server by the clients of npm. Reads {base, key, flags: [[name, kind]], contexts} from
// standard input and writes answers as JSON. The argument says by which client.
import { readFileSync } from "node:fs";

const given = JSON.parse(readFileSync(0, "utf8"));
const defaults = { boolean: false, string: "none", number: -1, object: {} };
const ask = (client, kind) =>
  client[`get${kind[0].toUpperCase()}${kind.slice(1)}Value`].bind(client);

async function unleash(mode = { type: "polling", format: "full" }) {
  const { startUnleash } = await import("unleash-client");
  const client = await startUnleash({
    url: `${given.base}/unleash/api/`,
    appName: "test",
    customHeaders: { Authorization: given.key },
    disableMetrics: true,
    experimentalMode: mode,
    refreshInterval: 3_600_000,
  });
  const answers = given.contexts.map(({ userId, sessionId, ...properties }) => {
    const context = { userId, sessionId, properties };
    return given.flags.map(([name]) => {
      const variant = client.getVariant(name, context);
      return [client.isEnabled(name, context), variant.name, variant.payload ?? null];
    });
  });
  client.destroy();
  return answers;
}

const delta = () => unleash({ type: "polling", format: "delta" });

const options = { baseUrl: given.base, headers: [["Authorization", `Bearer ${given.key}`]] };
const about = (context) => ({ targetingKey: context.userId, ...context });

async function server() {
  const { OpenFeature } = await import("@openfeature/server-sdk");
  const { OFREPProvider } = await import("@openfeature/ofrep-provider");
  await OpenFeature.setProviderAndWait(new OFREPProvider(options));
  const client = OpenFeature.getClient();
  const answers = [];
  for (const context of given.contexts) {
    const asked = given.flags.map(([name, kind]) =>
      ask(client, kind)(name, defaults[kind], about(context)),
    );
    answers.push(await Promise.all(asked));
  }
  await OpenFeature.close();
  return answers;
}

async function web() {
  const { OpenFeature } = await import("@openfeature/web-sdk");
  const { OFREPWebProvider } = await import("@openfeature/ofrep-web-provider");
  const quiet = { cacheMode: "disabled", changeDetection: "none" };
  await OpenFeature.setContext(about(given.contexts[0]));
  await OpenFeature.setProviderAndWait(new OFREPWebProvider({ ...options, ...quiet }));
  const client = OpenFeature.getClient();
  const answers = [];
  for (const context of given.contexts) {
    await OpenFeature.setContext(about(context));
    answers.push(given.flags.map(([name, kind]) => ask(client, kind)(name, defaults[kind])));
  }
  await OpenFeature.close();
  return answers;
}

const answers = await { unleash, delta, server, web }[process.argv[2]]();
process.stdout.write(JSON.stringify(answers), () => process.exit(0));
