// The life of an image as the Node client tells it. Arguments: the URL of a server, the API version, a project.
import compute from "@google-cloud/compute";
import { OAuth2Client } from "google-auth-library";
import { randomUUID } from "node:crypto";

const [url, version, project] = process.argv.slice(2);
const { hostname, port } = new URL(url);
const auth = new OAuth2Client();
auth.setCredentials({ access_token: "token" });
const options = { apiEndpoint: hostname, port: Number(port), protocol: "http", fallback: "rest", auth };
const images = new compute[version].ImagesClient(options);
const operations = new compute[version].GlobalOperationsClient(options);

async function finished([operation]) {
  const [done] = await operations.wait({ project, operation: operation.latestResponse.name });
  return done;
}

async function refusal(request) {
  try {
    await request;
  } catch (error) {
    return error.code;
  }
}

const sourceImage = "global/images/base";
const image = "one";
const insert = { project, imageResource: { name: image, sourceImage, family: "family", diskSizeGb: "20" } };
const told = {};

told.inserted = (await finished(await images.insert({ ...insert, requestId: randomUUID(), forceCreate: true }))).status;
const [made] = await images.get({ project, image });
told.made = [made.status, made.diskSizeGb];
told.conflict = await refusal(images.insert(insert));
told.invalid = await refusal(images.insert({ project, imageResource: { name: "Two", sourceImage } }));
told.failed = (
  await finished(await images.insert({ project, imageResource: { name: "two", sourceSnapshot: "global/snapshots/absent" } }))
).error.errors[0].code;

told.listed = [];
for await (const listed of images.listAsync({ project, maxResults: 2 })) told.listed.push(listed.name);

const globalSetLabelsRequestResource = { labels: { colour: "red" }, labelFingerprint: made.labelFingerprint };
await finished(await images.setLabels({ project, resource: image, globalSetLabelsRequestResource }));
told.labels = (await images.getFromFamily({ project, family: "family" }))[0].labels;
told.stale = await refusal(images.setLabels({ project, resource: image, globalSetLabelsRequestResource }));

await finished(await images.deprecate({ project, image, deprecationStatusResource: { state: "DEPRECATED" } }));
told.state = (await images.get({ project, image }))[0].deprecated.state;
await finished(await images.delete({ project, image, requestId: randomUUID() }));
told.missing = await refusal(images.get({ project, image }));

console.log(JSON.stringify(told));
