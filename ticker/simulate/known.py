"""What simulated coins and currencies are called, what they cost about, and how many there are.

The numbers are only plausible; nobody may take them for prices. A coin that is not in the table gets invented facts
that stay the same for ever.
"""

from dataclasses import dataclass
from decimal import Decimal

from ticker.model import CoinId
from ticker.simulate.noise import drawn


@dataclass(frozen=True, slots=True)
class Facts:
    """A coin's name, symbol, usual price in US dollars, number of coins, and how lively it is (1 = usual)."""

    name: str
    symbol: str
    price: Decimal
    supply: Decimal
    volatility: float = 1.0


_TABLE = """
bitcoin | Bitcoin | BTC | 64250.12 | 19990746 | 0.7
ethereum | Ethereum | ETH | 1926.83 | 120690000 | 0.9
neo | NEO | NEO | 3.412 | 70530000 | 1
waves | Waves | WAVES | 0.8744 | 118300000 | 1.2
monero | Monero | XMR | 356.55 | 18446744 | 0.8
nano | Nano | XNO | 0.6931 | 133248297 | 1.2
ark | ARK | ARK | 0.3127 | 192100000 | 1.3
pirate-chain | Pirate Chain | ARRR | 0.4188 | 196200000 | 1.3
dogecoin | Dogecoin | DOGE | 0.072317 | 153900000000 | 1.1
litecoin | Litecoin | LTC | 66.69 | 76900000 | 0.9
cardano | Cardano | ADA | 0.173885 | 36500000000 | 1
tether | Tether | USDT | 0.9994 | 184400000000 | 0.002
usd-coin | USDC | USDC | 0.9999 | 75600000000 | 0.002
first-digital-usd | First Digital USD | FDUSD | 0.9981 | 1420000000 | 0.002
dai | Dai | DAI | 0.9997 | 4470000000 | 0.002
binancecoin | BNB | BNB | 557.23 | 137730000 | 0.8
solana | Solana | SOL | 112.33 | 562400000 | 1
ripple | XRP | XRP | 1.0976 | 60700000000 | 1
tron | TRON | TRX | 0.27424 | 94700000000 | 0.6
staked-ether | Lido Staked Ether | STETH | 1924.95 | 8550000 | 0.9
the-open-network | Toncoin | TON | 1.81 | 2480000000 | 1
wrapped-bitcoin | Wrapped Bitcoin | WBTC | 64210.6 | 126200 | 0.7
weth | WETH | WETH | 1926.12 | 2970000 | 0.9
wrapped-beacon-eth | Wrapped Beacon ETH | WBETH | 2081.31 | 3290000 | 0.9
shiba-inu | Shiba Inu | SHIB | 0.00000423 | 589246000000000 | 1.1
avalanche-2 | Avalanche | AVAX | 13.31 | 427100000 | 1.1
bitcoin-cash | Bitcoin Cash | BCH | 436.83 | 19960000 | 0.9
chainlink | Chainlink | LINK | 9.93 | 696800000 | 1
cryptonex | Cryptonex | CNX | 34.86 | 177023163 | 1
leo-token | LEO Token | LEO | 8.51 | 921700000 | 0.4
polkadot | Polkadot | DOT | 1.79 | 1640000000 | 1
sui | Sui | SUI | 1.4 | 3680000000 | 1.2
uniswap | Uniswap | UNI | 4.89 | 628900000 | 1.1
near | NEAR Protocol | NEAR | 1.847 | 1280000000 | 1.1
aptos | Aptos | APT | 1.68 | 745800000 | 1.1
pepe | Pepe | PEPE | 0.00000381 | 420690000000000 | 1.3
bittensor | Bittensor | TAO | 225.79 | 9590000 | 1.2
fetch-ai | Artificial Superintelligence Alliance | FET | 0.2441 | 2360000000 | 1.2
stellar | Stellar | XLM | 0.191658 | 32300000000 | 1
ethereum-classic | Ethereum Classic | ETC | 10.79 | 154800000 | 1
kaspa | Kaspa | KAS | 0.045232 | 26900000000 | 1.2
okb | OKB | OKB | 97.67 | 21000000 | 0.9
blockstack | Stacks | STX | 0.3147 | 1810000000 | 1.1
dogwifcoin | dogwifhat | WIF | 0.3202 | 998900000 | 1.4
aave | Aave | AAVE | 129.48 | 15180000 | 1.1
filecoin | Filecoin | FIL | 1.135 | 725600000 | 1.1
mantle | Mantle | MNT | 0.861707 | 3250000000 | 1
render-token | Render | RENDER | 1.637 | 518700000 | 1.2
thorchain | THORChain | RUNE | 0.591 | 351400000 | 1.2
immutable-x | Immutable | IMX | 0.2107 | 1990000000 | 1.2
injective-protocol | Injective | INJ | 3.73 | 99970000 | 1.2
optimism | Optimism | OP | 0.236 | 1940000000 | 1.2
fantom | Fantom | FTM | 0.105034 | 2800000000 | 1.2
sonic-3 | Sonic | S | 0.0701 | 3220000000 | 1.2
arbitrum | Arbitrum | ARB | 0.181426 | 5770000000 | 1.2
vechain | VeChain | VET | 0.009661 | 85990000000 | 1
bitget-token | Bitget Token | BGB | 3.12 | 699990000 | 0.8
cosmos | Cosmos Hub | ATOM | 2.16 | 484500000 | 1
zebu | ZEBU | ZBU | 0.49 | 329707787 | 1
the-graph | The Graph | GRT | 0.034452 | 10600000000 | 1.1
bonk | Bonk | BONK | 0.00000918 | 88000000000000 | 1.3
popcat | Popcat | POPCAT | 0.0827 | 979970000 | 1.4
pyth-network | Pyth Network | PYTH | 0.0530424 | 5750000000 | 1.2
floki | FLOKI | FLOKI | 0.0000422 | 9650000000000 | 1.3
sei-network | Sei | SEI | 0.104128 | 6490000000 | 1.2
maker | Maker | MKR | 1368.22 | 847900 | 0.9
mantra-dao | MANTRA | OM | 0.0729 | 1150000000 | 1.3
hedera-hashgraph | Hedera | HBAR | 0.0965 | 42800000000 | 1
algorand | Algorand | ALGO | 0.1162 | 8860000000 | 1
matic-network | Polygon | MATIC | 0.1411 | 10500000000 | 1
polygon-ecosystem-token | POL | POL | 0.1409 | 10560000000 | 1
internet-computer | Internet Computer | ICP | 3.18 | 545500000 | 1.1
hyperliquid | Hyperliquid | HYPE | 31.2 | 333900000 | 1.2
crypto-com-chain | Cronos | CRO | 0.0971 | 38800000000 | 1
zcash | Zcash | ZEC | 287.5 | 16430000 | 1.3
"""


# Currencies by their codes: about what one costs. An ounce of metal moves more than money does.
_MONEY = """
aed 0.2722 | ars 0.00071 | aud 0.7163 | bdt 0.008146 | bhd 2.651 | bmd 1 | brl 0.1983 | cad 0.724 | chf 1.273
clp 0.001116 | cny 0.1472 | czk 0.0479 | dkk 0.1556 | eur 1.162 | gbp 1.344 | gel 0.3753 | hkd 0.1276
huf 0.003266 | idr 0.00005614 | ils 0.3519 | inr 0.01045 | jpy 0.006277 | krw 0.0006633 | kwd 3.231
lkr 0.003075 | mmk 0.0004762 | mxn 0.05775 | myr 0.2521 | ngn 0.0007284 | nok 0.1078 | nzd 0.5835
php 0.01624 | pkr 0.003592 | pln 0.2743 | rub 0.01389 | sar 0.2674 | sek 0.1073 | sgd 0.7827 | thb 0.0306
try 0.02178 | twd 0.0318 | uah 0.02259 | vnd 0.00003796 | zar 0.06102 | xdr 1.427 | xag 76.19 | xau 4501
cop 0.0002716 | kes 0.007724 | ron 0.2219 | dop 0.017 | crc 0.002212 | hnl 0.03759 | zmw 0.05341 | svc 0.1143
bam 0.5953 | pen 0.2937 | gtq 0.1312 | lbp 0.00001117 | amd 0.002719
"""
_METALS = ("xag", "xau")


def _read(table: str) -> dict[CoinId, Facts]:
    """The table as values; each line is id, name, symbol, price, supply, volatility."""
    facts = {}
    for line in table.strip().splitlines():
        coin, name, symbol, price, supply, volatility = (cell.strip() for cell in line.split("|"))
        facts[coin] = Facts(name, symbol, Decimal(price), Decimal(supply), float(volatility))
    return facts


def _read_money(table: str) -> dict[CoinId, Facts]:
    """The currencies as coins of their code, of which there is one each."""
    facts = {}
    for cell in table.replace("\n", "|").strip("|").split("|"):
        code, price = cell.split()
        volatility = 0.2 if code in _METALS else 0.02
        facts[code] = Facts(code.upper(), code.upper(), Decimal(price), Decimal(1), volatility)
    return facts


KNOWN = _read(_TABLE)
MONEY = _read_money(_MONEY)


def facts_of(coin: CoinId) -> Facts:
    """The facts of any coin or currency: from the tables, else invented from its id (0.0001 to 100 dollars)."""
    known = KNOWN.get(coin) or MONEY.get(coin)
    if known is not None:
        return known
    exponent, mantissa, supply = (drawn(f"invented/{coin}", index) for index in range(3))
    price = Decimal(str(round((5.5 + 4.5 * mantissa), 4))).scaleb(round(2.5 * exponent) - 1)
    return Facts(
        name=coin.replace("-", " ").title(),
        symbol=coin.replace("-", "")[:5].upper(),
        price=price,
        supply=Decimal(10) ** (8 + round(2 * supply)),
    )
