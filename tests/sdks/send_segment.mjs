// URL KEY COUNT PAUSE_SECONDS: "Demo Requested" so many times by Segment's Node SDK.
import { setTimeout as wait } from "node:timers/promises";
import { Analytics } from "@segment/analytics-node";

const [url, writeKey, count, pause] = process.argv.slice(2);
const analytics = new Analytics({ writeKey, host: url, flushAt: 20, flushInterval: 500, maxRetries: 20 });
analytics.identify({ userId: "u-1", traits: { email: "ann@example.com", title: "Adviser" } });
for (let index = 0; index < Number(count); index += 1) {
  analytics.track({ userId: "u-1", event: "Demo Requested", properties: { index } });
  await wait(Number(pause) * 1000);
}
await analytics.closeAndFlush({ timeout: 60_000 });
