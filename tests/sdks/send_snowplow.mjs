// URL KEY COUNT PAUSE_SECONDS: demo_requested so many times by Snowplow's Node tracker.
import { setTimeout as wait } from "node:timers/promises";
import { buildPageView, buildSelfDescribingEvent, newTracker } from "@snowplow/node-tracker";

const [url, key, count, pause] = process.argv.slice(2);
const tracker = newTracker(
  { namespace: "site", appId: key, encodeBase64: true },
  { endpoint: url, eventMethod: "post", bufferSize: 20 },
);
tracker.setUserId("u-1");
tracker.setDomainUserId("visitor-1");
tracker.track(buildPageView({ pageUrl: "https://shop.example/pricing", pageTitle: "Pricing" }));
for (let index = 0; index < Number(count); index += 1) {
  tracker.track(buildSelfDescribingEvent({
    event: { schema: "iglu:com.example/demo_requested/jsonschema/1-0-0", data: { index } },
  }));
  await wait(Number(pause) * 1000);
}
tracker.flush();
