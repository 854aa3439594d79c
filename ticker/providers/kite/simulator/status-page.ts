import type { SimulatorStatus } from './admin.ts';

/** A plain page for a person who opens the simulator's address in a browser. Reloads itself every 2 s. */
export function statusPage(status: SimulatorStatus): string {
  const rows = status.connections.map(
    (connection) =>
      `<tr><td>${connection.id}<td>${escapeHtml(connection.user)}<td>${connection.subscribed}<td>${connection.ticks}<td>${connection.messages}<td>${connection.heartbeats}<td>${connection.dropped}</tr>`,
  );
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2"><meta name="viewport" content="width=device-width">
<title>Simulated broker</title>
<style>:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:right;padding:.3rem .6rem;border-bottom:1px solid #8884}
th:nth-child(-n+2),td:nth-child(-n+2){text-align:left}code{background:#8882;padding:.1rem .3rem}</style>
<h1>Simulated broker</h1>
<p>Speaks Kite's HTTP and WebSocket protocols, with a simulated market. ${status.ticksSent} ticks sent.</p>
<table><thead><tr><th>Connection<th>User<th>Subscribed<th>Ticks<th>Messages<th>Heartbeats<th>Dropped</tr></thead>
<tbody>${rows.join('') || '<tr><td colspan="7">No connection is open.</td></tr>'}</tbody></table>
<h2>Order faults</h2>
<p><a href="/simulator/faults">/simulator/faults</a> lists what can be ordered, for example</p>
<p><code>curl -X POST -H 'Content-Type: application/json' -d '{"fault":"stall","duration":10000}' http://…/simulator/faults</code></p>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
