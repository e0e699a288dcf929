// One story of all operations that the official Node SDK has. Prints one JSON object: what the SDK
// made of each answer, by operation. Takes BASE_URL, TOKEN, ACCOUNT_SID and APPLICATION_SID from the
// environment. Judges nothing itself: the test that runs it does.

import Telnyx from "telnyx";

const { BASE_URL, TOKEN, ACCOUNT_SID, APPLICATION_SID } = process.env;
const client = new Telnyx({ apiKey: TOKEN, baseURL: BASE_URL, maxRetries: 0, timeout: 10_000 });
const { texml, texmlApplications } = client;
const { accounts } = texml;
const { calls, conferences, queues } = accounts;
const account = { account_sid: ACCOUNT_SID };

// `undefined` would vanish from the JSON, and "no answer" look the same as "never asked".
const answers = {};
async function told(operation, request) {
  const answer = await request;
  answers[operation] = answer ?? null;
  return answer;
}

async function advance(seconds) {
  const url = new URL(`/_sandbox/worlds/${TOKEN}/advance`, BASE_URL);
  const headers = { "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify({ seconds }) });
  if (!answer.ok) throw new Error(`advance: ${answer.status} ${await answer.text()}`);
}

// --- applications and secrets
const voice_url = "https://texml.example.com/s";
const made = await told("create_application", texmlApplications.create({ friendly_name: "Story", voice_url }));
const listed = await texmlApplications.list({ filter: { friendly_name: "stor" } });
await told("list_applications", { data: listed.data, meta: listed.meta });
await told("get_application", texmlApplications.retrieve(made.data.id));
await told(
  "update_application",
  texmlApplications.update(made.data.id, { friendly_name: "Story 2", voice_url: `${voice_url}2`, tags: ["a"] }),
);
await told("create_secret", texml.secrets({ name: "My Secret", value: "hidden" }));

// --- a call, and what can be done to it
await told(
  "create_call",
  calls.calls(ACCOUNT_SID, {
    body: {
      To: "+13125550142",
      From: "+13125550100",
      ApplicationSid: APPLICATION_SID,
      Texml: "<Response><Pause length='300'/></Response>",
    },
  }),
);
const ringing = await told("list_calls", calls.retrieveCalls(ACCOUNT_SID, { PageSize: 5, To: "+13125550142" }));
const call = ringing.calls[0].sid;
await advance(5);
await told("get_call", calls.retrieve(call, account));
const recording = await told(
  "start_call_recording",
  calls.recordingsJson.recordingsJson(call, { ...account, RecordingChannels: "dual" }),
);
await told(
  "update_call_recording",
  calls.recordings.recordingSidJson(recording.sid, { ...account, call_sid: call, Status: "paused" }),
);
await told("list_call_recordings", calls.recordingsJson.retrieveRecordingsJson(call, account));
const siprec = await told("start_call_siprec", calls.siprecJson(call, { ...account, ConnectorName: "recorder" }));
await told(
  "update_call_siprec",
  calls.siprec.siprecSidJson(siprec.sid, { ...account, call_sid: call, Status: "stopped" }),
);
const stream = await told(
  "start_call_stream",
  calls.streamsJson(call, { ...account, Url: "wss://media.example.com/s" }),
);
await told(
  "update_call_stream",
  calls.streams.streamingSidJson(stream.sid, { ...account, call_sid: call, Status: "stopped" }),
);
await told("update_call", calls.update(call, { ...account, Status: "completed" }));
await advance(5);

// --- recordings and transcriptions
await told("list_recordings", accounts.retrieveRecordingsJson(ACCOUNT_SID, { Page: 0, PageSize: 3 }));
await told("get_recording", accounts.recordings.json.retrieveRecordingSidJson(recording.sid, account));
await told("delete_recording", accounts.recordings.json.deleteRecordingSidJson(recording.sid, account));
const texts = await told("list_transcriptions", accounts.retrieveTranscriptionsJson(ACCOUNT_SID, { PageSize: 2 }));
const text = texts.transcriptions[0].sid;
const { json } = accounts.transcriptions;
await told("get_transcription", json.retrieveRecordingTranscriptionSidJson(text, account));
await told("delete_transcription", json.deleteRecordingTranscriptionSidJson(text, account));

// --- a conference
const rooms = await told("list_conferences", conferences.retrieveConferences(ACCOUNT_SID, { Status: "in-progress" }));
const room = rooms.conferences[0].sid;
const { participants } = conferences;
await told("get_conference", conferences.retrieve(room, account));
await told("list_conference_participants", participants.retrieveParticipants(room, account));
const leg = await told(
  "dial_conference_participant",
  participants.participants(room, {
    ...account,
    To: "+13125550147",
    From: "+13125550100",
    Label: "expert",
    Timeout: 20,
  }),
);
await advance(5);
const seat = { ...account, conference_sid: room };
await told("get_conference_participant", participants.retrieve(leg.call_sid, seat));
await told("update_conference_participant", participants.update(leg.call_sid, { ...seat, Muted: true }));
await told("remove_conference_participant", participants.delete(leg.call_sid, seat));
await told("list_conference_recordings", conferences.retrieveRecordings(room, account));
await told("list_conference_recordings_json", conferences.retrieveRecordingsJson(room, account));
await told("update_conference", conferences.update(room, { ...account, Status: "completed" }));

// --- a queue
const queue = await told("create_queue", queues.create(ACCOUNT_SID, { FriendlyName: "story", MaxSize: 3 }));
const waiting = await queues.list(ACCOUNT_SID, { DateCreated: ">=2023-05-22" });
await told("list_queues", { queues: waiting.queues });
await told("get_queue", queues.retrieve(queue.sid, account));
await told("update_queue", queues.update(queue.sid, { ...account, MaxSize: 7 }));
await told("delete_queue", queues.delete(queue.sid, account));
await told("delete_application", texmlApplications.delete(made.data.id));

// --- how the SDK classes a refusal
try {
  await queues.retrieve("no-such-queue", account);
  answers.refusal = null;
} catch (error) {
  answers.refusal = { type: error.constructor.name, status: error.status, errors: error.error?.errors };
}

process.stdout.write(JSON.stringify(answers));
