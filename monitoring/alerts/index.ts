import { absenceAlerts } from './absence.ts';
import { accountAlerts } from './accounts.ts';
import type { Alert } from './definition.ts';
import { deliveryAlerts } from './delivery.ts';
import { gatewayAlerts } from './gateway.ts';
import { operatorAlerts } from './operator.ts';
import { ownershipAlerts } from './ownership.ts';
import { processAlerts } from './process.ts';
import { tickAlerts } from './ticks.ts';

/** Alerts by the group that they are evaluated in. */
export const alertGroups: Readonly<Record<string, readonly Alert[]>> = {
  'ticker-absence': absenceAlerts,
  'ticker-operator': operatorAlerts,
  'ticker-ownership': ownershipAlerts,
  'ticker-accounts': accountAlerts,
  'ticker-ticks': tickAlerts,
  'ticker-delivery': deliveryAlerts,
  'ticker-gateway': gatewayAlerts,
  'ticker-process': processAlerts,
};
