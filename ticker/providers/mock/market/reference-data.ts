import type { ExpiryRule } from './expiries.ts';
import type { VolatilitySurface } from './volatility-surface.ts';

/** What drives prices together: each underlying follows the market and its sector besides its own path. */
export type Sector =
  | 'bank'
  | 'it'
  | 'energy'
  | 'auto'
  | 'metal'
  | 'pharma'
  | 'consumer'
  | 'industry'
  | 'currency'
  | 'commodity';

export interface IndexData {
  readonly symbol: string;
  readonly exchange: 'NSE' | 'BSE';
  /** Number that the exchange gives; the token is this × 256 + 9. */
  readonly exchangeToken: number;
  readonly level: number;
  /** Multiple of the market's return. */
  readonly beta: number;
  readonly sector?: Sector;
  readonly derivatives?: DerivativesData;
}

export interface DerivativesData {
  readonly exchange: 'NFO' | 'BFO';
  /** The name that contracts carry. */
  readonly name: string;
  readonly lotSize: number;
  readonly strikeStep: number;
  /** Strikes on each side of the money. */
  readonly strikes: number;
  readonly options: ExpiryRule;
  readonly futures: ExpiryRule;
  readonly surface: VolatilitySurface;
}

const tuesday = 2;
const thursday = 4;
const monthly = (weekday: number): ExpiryRule => ({ weekday, weeklies: 0, monthlies: 3 });
const surface = (longTerm: number): VolatilitySurface => ({
  longTerm,
  shortTerm: longTerm * 0.9,
  reversion: 0.15,
  skew: -0.045,
  smile: 0.014,
});

/** Contracts as the exchanges have them in 2026: lots, steps and expiry days change. */
export const indices: readonly IndexData[] = [
  {
    symbol: 'NIFTY 50',
    exchange: 'NSE',
    exchangeToken: 1001,
    level: 24_350,
    beta: 1,
    derivatives: {
      exchange: 'NFO',
      name: 'NIFTY',
      lotSize: 75,
      strikeStep: 50,
      strikes: 40,
      options: { weekday: tuesday, weeklies: 4, monthlies: 3 },
      futures: monthly(tuesday),
      surface: surface(0.13),
    },
  },
  {
    symbol: 'NIFTY BANK',
    exchange: 'NSE',
    exchangeToken: 1016,
    level: 52_400,
    beta: 1.1,
    sector: 'bank',
    derivatives: {
      exchange: 'NFO',
      name: 'BANKNIFTY',
      lotSize: 35,
      strikeStep: 100,
      strikes: 40,
      options: monthly(tuesday),
      futures: monthly(tuesday),
      surface: surface(0.155),
    },
  },
  {
    symbol: 'NIFTY FIN SERVICE',
    exchange: 'NSE',
    exchangeToken: 1035,
    level: 24_900,
    beta: 1.08,
    sector: 'bank',
    derivatives: {
      exchange: 'NFO',
      name: 'FINNIFTY',
      lotSize: 65,
      strikeStep: 50,
      strikes: 25,
      options: monthly(tuesday),
      futures: monthly(tuesday),
      surface: surface(0.15),
    },
  },
  {
    symbol: 'SENSEX',
    exchange: 'BSE',
    exchangeToken: 1,
    level: 80_200,
    beta: 1,
    derivatives: {
      exchange: 'BFO',
      name: 'SENSEX',
      lotSize: 20,
      strikeStep: 100,
      strikes: 40,
      options: { weekday: thursday, weeklies: 3, monthlies: 3 },
      futures: monthly(thursday),
      surface: surface(0.13),
    },
  },
  { symbol: 'NIFTY IT', exchange: 'NSE', exchangeToken: 1014, level: 36_800, beta: 0.9, sector: 'it' },
  { symbol: 'NIFTY NEXT 50', exchange: 'NSE', exchangeToken: 1054, level: 66_100, beta: 1.05 },
  { symbol: 'INDIA VIX', exchange: 'NSE', exchangeToken: 1032, level: 13.4, beta: -5 },
];

/** Symbol, name, price in rupees, sector, annual volatility in percent, derivatives lot (0: none), NSE's number, BSE's number (0: not listed here). */
type EquityRow = readonly [string, string, number, Sector, number, number, number, number];

const rows: readonly EquityRow[] = [
  ['RELIANCE', 'RELIANCE INDUSTRIES', 1412.5, 'energy', 23, 500, 2885, 500325],
  ['TCS', 'TATA CONSULTANCY SERV', 3185.4, 'it', 22, 175, 11536, 532540],
  ['HDFCBANK', 'HDFC BANK', 985.2, 'bank', 19, 550, 1333, 500180],
  ['INFY', 'INFOSYS', 1498.7, 'it', 24, 400, 1594, 500209],
  ['ICICIBANK', 'ICICI BANK', 1372.3, 'bank', 20, 700, 4963, 532174],
  ['HINDUNILVR', 'HINDUSTAN UNILEVER', 2421.6, 'consumer', 19, 300, 1394, 500696],
  ['SBIN', 'STATE BANK OF INDIA', 872.45, 'bank', 24, 750, 3045, 500112],
  ['BHARTIARTL', 'BHARTI AIRTEL', 1958.1, 'industry', 22, 475, 10604, 532454],
  ['ITC', 'ITC', 408.35, 'consumer', 18, 1600, 1660, 500875],
  ['KOTAKBANK', 'KOTAK MAHINDRA BANK', 2105.9, 'bank', 21, 400, 1922, 500247],
  ['LT', 'LARSEN & TOUBRO', 3760.2, 'industry', 23, 175, 11483, 500510],
  ['AXISBANK', 'AXIS BANK', 1168.4, 'bank', 23, 625, 5900, 532215],
  ['ASIANPAINT', 'ASIAN PAINTS', 2462.7, 'consumer', 22, 250, 236, 500820],
  ['MARUTI', 'MARUTI SUZUKI INDIA', 15480, 'auto', 22, 50, 10999, 532500],
  ['SUNPHARMA', 'SUN PHARMACEUTICAL IND', 1694.3, 'pharma', 21, 350, 3351, 524715],
  ['TITAN', 'TITAN COMPANY', 3655.8, 'consumer', 24, 175, 3506, 500114],
  ['BAJFINANCE', 'BAJAJ FINANCE', 1018.6, 'bank', 28, 750, 317, 500034],
  ['ULTRACEMCO', 'ULTRATECH CEMENT', 12240, 'industry', 22, 50, 11532, 532538],
  ['WIPRO', 'WIPRO', 248.35, 'it', 26, 3000, 3787, 507685],
  ['NESTLEIND', 'NESTLE INDIA', 1212.4, 'consumer', 20, 500, 17963, 500790],
  ['HCLTECH', 'HCL TECHNOLOGIES', 1510.2, 'it', 25, 350, 7229, 532281],
  ['TATASTEEL', 'TATA STEEL', 171.86, 'metal', 29, 5500, 3499, 500470],
  ['POWERGRID', 'POWER GRID CORP', 289.55, 'energy', 22, 1900, 14977, 532898],
  ['NTPC', 'NTPC', 338.7, 'energy', 23, 1500, 11630, 532555],
  ['ONGC', 'OIL AND NATURAL GAS CORP', 248.9, 'energy', 26, 2250, 2475, 500312],
  ['JSWSTEEL', 'JSW STEEL', 1132.5, 'metal', 26, 675, 11723, 500228],
  ['ADANIENT', 'ADANI ENTERPRISES', 2410.3, 'industry', 38, 300, 25, 512599],
  ['ADANIPORTS', 'ADANI PORT & SEZ', 1448.9, 'industry', 30, 475, 15083, 532921],
  ['COALINDIA', 'COAL INDIA', 389.2, 'metal', 23, 1350, 20374, 533278],
  ['GRASIM', 'GRASIM INDUSTRIES', 2865.1, 'industry', 21, 250, 1232, 500300],
  ['HINDALCO', 'HINDALCO INDUSTRIES', 779.4, 'metal', 30, 700, 1363, 500440],
  ['DRREDDY', "DR. REDDY'S LABORATORIES", 1252.7, 'pharma', 23, 625, 881, 500124],
  ['CIPLA', 'CIPLA', 1536.8, 'pharma', 22, 375, 694, 500087],
  ['BRITANNIA', 'BRITANNIA INDUSTRIES', 5895, 'consumer', 20, 125, 547, 500825],
  ['HEROMOTOCO', 'HERO MOTOCORP', 5462, 'auto', 26, 150, 1348, 500182],
  ['EICHERMOT', 'EICHER MOTORS', 6935, 'auto', 25, 100, 910, 505200],
  ['BAJAJFINSV', 'BAJAJ FINSERV', 2055.3, 'bank', 25, 250, 16675, 532978],
  ['BAJAJ-AUTO', 'BAJAJ AUTO', 8872, 'auto', 24, 75, 16669, 532977],
  ['TECHM', 'TECH MAHINDRA', 1432.6, 'it', 27, 600, 13538, 532755],
  ['INDUSINDBK', 'INDUSIND BANK', 748.3, 'bank', 36, 700, 5258, 532187],
  ['DIVISLAB', "DIVI'S LABORATORIES", 6480, 'pharma', 25, 100, 10940, 532488],
  ['APOLLOHOSP', 'APOLLO HOSPITALS ENTER.', 7715, 'pharma', 24, 125, 157, 508869],
  ['BPCL', 'BHARAT PETROLEUM CORP', 341.25, 'energy', 28, 1975, 526, 500547],
  ['M&M', 'MAHINDRA & MAHINDRA', 3528.4, 'auto', 26, 200, 2031, 500520],
  ['HDFCLIFE', 'HDFC LIFE INSURANCE', 752.15, 'bank', 24, 1100, 467, 540777],
  ['SBILIFE', 'SBI LIFE INSURANCE', 1845.9, 'bank', 22, 375, 21808, 540719],
  ['TATACONSUM', 'TATA CONSUMER PRODUCT', 1142.8, 'consumer', 24, 550, 3432, 500800],
  ['VEDL', 'VEDANTA', 482.6, 'metal', 34, 1150, 3063, 500295],
  ['DLF', 'DLF', 758.9, 'industry', 32, 825, 14732, 532868],
  ['SHREECEM', 'SHREE CEMENT', 28_960, 'industry', 24, 25, 3103, 500387],
  ['UPL', 'UPL', 702.3, 'consumer', 31, 1355, 11287, 512070],
  ['BEL', 'BHARAT ELECTRONICS', 404.8, 'industry', 29, 2850, 383, 500049],
  ['TRENT', 'TRENT', 4712, 'consumer', 37, 100, 1964, 500251],
  ['PNB', 'PUNJAB NATIONAL BANK', 117.32, 'bank', 31, 8000, 10666, 532461],
  ['YESBANK', 'YES BANK', 22.41, 'bank', 34, 0, 11915, 532648],
  ['IDEA', 'VODAFONE IDEA', 8.74, 'industry', 52, 0, 14366, 532822],
];

export interface EquityData {
  readonly symbol: string;
  readonly name: string;
  readonly price: number;
  readonly sector: Sector;
  /** Annual, 0.2 for 20 %. */
  readonly volatility: number;
  /** Lot of its derivatives; 0 where there are none. */
  readonly lotSize: number;
  readonly nse: number;
  /** 0 where it is not listed at BSE. */
  readonly bse: number;
}

export const equities: readonly EquityData[] = rows.map(
  ([symbol, name, price, sector, percent, lotSize, nse, bse]) => ({
    symbol,
    name,
    price,
    sector,
    volatility: percent / 100,
    lotSize,
    nse,
    bse,
  }),
);

/** An underlying that is not listed itself: its futures are. */
export interface FuturesData {
  readonly exchanges: readonly ('CDS' | 'BCD' | 'MCX')[];
  readonly name: string;
  readonly price: number;
  readonly volatility: number;
  readonly sector: Sector;
  readonly tickSize: number;
  readonly lotSize: number;
  readonly rule: ExpiryRule;
}

const friday = 5;
const currency = (name: string, price: number, exchanges: FuturesData['exchanges']): FuturesData => ({
  exchanges,
  name,
  price,
  volatility: 0.035,
  sector: 'currency',
  tickSize: 0.0025,
  lotSize: 1000,
  rule: monthly(friday),
});
const commodity = (
  name: string,
  price: number,
  volatility: number,
  tickSize: number,
  lotSize: number,
): FuturesData => ({
  exchanges: ['MCX'],
  name,
  price,
  volatility,
  sector: 'commodity',
  tickSize,
  lotSize,
  rule: monthly(friday),
});

export const futuresOnly: readonly FuturesData[] = [
  currency('USDINR', 88.42, ['CDS', 'BCD']),
  currency('EURINR', 102.61, ['CDS', 'BCD']),
  currency('GBPINR', 117.08, ['CDS']),
  currency('JPYINR', 58.94, ['CDS']),
  commodity('CRUDEOIL', 5312, 0.34, 1, 100),
  commodity('NATURALGAS', 301.4, 0.52, 0.1, 1250),
  commodity('GOLD', 121_450, 0.15, 1, 1),
  commodity('SILVER', 148_220, 0.26, 1, 1),
  commodity('COPPER', 996.4, 0.2, 0.05, 2500),
];
