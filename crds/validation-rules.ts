/**
 * Names of the rules that validation knows, in its own order: what `spec.validation.rules` may name. The rules
 * themselves are the pipeline's (`ticker/pipeline/validation/rules.ts`).
 */
export const validationRules = [
  'notFinite',
  'priceNotPositive',
  'negativePrice',
  'ohlcOrder',
  'priceOutsideDayRange',
  'averageOutsideDayRange',
  'quantityNegative',
  'volumeDecreased',
  'openInterestOutsideDayRange',
  'depthNotSorted',
  'depthCrossed',
  'depthQuantityNegative',
  'depthOrdersInconsistent',
  'timeInFuture',
  'timeMovedBack',
  'tradeAfterExchangeTime',
  'priceJump',
] as const;
