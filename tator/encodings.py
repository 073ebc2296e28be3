"""Guess in which encoding text is that is not UTF-8, from the letters it would be.

Names of classes are short, so letters are judged one by one: what is written often, what stands in a word together.
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

UTF8 = "utf-8-sig"
FALLBACK = "cp1252"
SURE = 3.0  # log of how much likelier than the next encoding the best must be
MOST = 4000  # letters that are judged
ALONE = 4  # letters outside ASCII up to which UTF-8 may be so by chance
_OFTEN, _KNOWN, _RARE = 0.6, 0.38, 0.02  # shares of a text's letters that are common, known and neither
_MARKS = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
FINAL = "םןךףץς"  # letters that end a word
NEVER, OFTEN = 0.02, 0.1  # shares of zeros where a text in UTF-16 has its letters, and where most are ASCII
_PLACES = (
    ("utf-32-le", (0,), (2, 3)),
    ("utf-32-be", (3,), (0, 1)),
    ("utf-16-le", (0, 2), (1, 3)),
    ("utf-16-be", (1, 3), (0, 2)),
)
CHINESE = (
    "人车行汽公交自摩托卡轿客货电动猫狗鸟马牛羊猪鸡鱼虫树花草叶果苹香蕉梨桃桌椅子床门窗灯路道标志牌红绿黄蓝白黑大小上下左右前后中"
    "不无有好坏安全帽头盔口罩背心衣服裤鞋手脚脸眼鼻嘴耳火烟雾水油气船飞机场站桥楼房屋墙地面板盖井裂纹缝划痕凹坑点斑孔洞锈蚀污渍破损"
    "缺陷异常正其他类别物体目建筑设备工具刀枪瓶杯碗盘书笔本包箱袋球键鼠显示器屏幕线缆绝缘塔杆开关表针数字母文的一是在了我这国出来时"
    "们要生年发学对会可能方成日分男女孩童老司驾驶员猴虎狮象熊兔蛇龟鸭鹅米麦豆菜瓜西红柿土胡萝卜青椒图片像照集据训练测试验证北京海"
)
TRADITIONAL = (
    "人車行汽公交自機托卡轎客貨電動貓狗鳥馬牛羊豬雞魚蟲樹花草葉果蘋香蕉梨桃桌椅子床門窗燈路道標誌牌紅綠黃藍白黑大小上下左右前後中"
    "不無有好壞安全帽頭盔口罩背心衣服褲鞋手腳臉眼鼻嘴耳火煙霧水油氣船飛場站橋樓房屋牆地面板蓋井裂紋縫劃痕凹坑點斑孔洞鏽蝕污漬破損"
    "缺陷異常正其他類別物體目建築設備工具刀槍瓶杯碗盤書筆本包箱袋球鍵鼠顯示器屏幕線纜絕緣塔桿開關錶針數字母文踏的一是在了我這國出"
    "來時們要生年發學對會可能方成日分男女孩童老司駕駛員猴虎獅象熊兔蛇龜鴨鵝米麥豆菜瓜西台灣北圖片像照集據訓練測試驗證海"
)
JAPANESE = (
    "あいうえおかがきぎくぐけげこごさざしじすずせぜそぞただちっつづてでとどなにぬねのはばひびふぶへべほぼまみむめもやゆよらりるれろわをん"
    "アイウエオカガキギクグケゲコゴサザシジスズセゼソゾタダチッツヅテデトドナニヌネノハバパヒビピフブプヘベペホボポマミムメモヤュユョヨラリルレロワンー"
    "人車歩行者自動転信号犬猫鳥馬牛羊豚鶏魚虫木花草葉果物机椅子窓灯道路標識看板赤青黄緑白黒大小上下左右前後中不無有良悪安全帽頭手足顔"
    "目鼻口耳火煙水油船飛機場駅橋建家壁地面穴傷割欠陥異常正他種類体対象設備工具刀銃瓶杯皿本箱袋球鍵画電話線数字文一日国会年東京海"
)
KOREAN = (
    "가각간갈감강개거건검게견결경계고공과관광교구군국권그글금기길김나날남내너네노누는늘니다단달담당대더도독동두드들등디라락란람래량러레려력련령로"
    "료류르른를름리린림마만말망매머메면명모목무문물미민밀바박반발방배백버번벌범법벽변병보복본볼부북분불비빈빛사산살상새색생서선설성세소속손송수순술"
    "스승시식신실심아안암앞애야약양어언얼엄업없여역연열영예오온옷와완왕외요용우운울원위유육은을음의이인일임입자작잔장재저적전점정제조종주줄중증지직"
    "진질집차착창채책처천철청체초총추축출충치카칼커컵코크키타탁탈태택터털테토통투트특티파판패편평포폭표품풍프피필하학한할함합항해행향헬현형호홍화확환"
    "활황회횡후휴흑흰럭돼닭끼"
)


@dataclass(frozen=True)
class _Script:
    """Letters that text in an encoding is made of.

    Attributes:
        told: what people call the encoding.
        prior: log of how often text that is no UTF-8 is in it, to the nearest whole number.
        often: common letters; of an alphabet, the commonest first.
        known: pattern of the other letters of the script.
        number: how many of those there are.
        is_latin: whether its words are of ASCII letters too.
    """

    told: str
    prior: float
    often: str
    known: str
    number: int
    is_latin: bool = False


WIDE = ("gb18030", "cp932", "cp949", "big5", "euc_jp")  # of two bytes a letter, which may be UTF-8 by chance
_CYRILLIC = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфё"
SCRIPTS = {
    "gb18030": _Script("GBK (Chinese)", 0, CHINESE, "[\u4e00-\u9fff]", 6_500),
    "cp932": _Script("Shift-JIS (Japanese)", -1, JAPANESE, "[\u3040-\u30ff\u4e00-\u9fff]", 6_500),
    "cp949": _Script("EUC-KR (Korean)", -1, KOREAN, "[\uac00-\ud7a3]", 2_350),
    "big5": _Script("Big5 (Chinese)", -1, TRADITIONAL, "[\u4e00-\u9fff]", 13_000),
    "euc_jp": _Script("EUC-JP (Japanese)", -3, JAPANESE, "[\u3040-\u30ff\u4e00-\u9fff]", 6_500),
    "cp1251": _Script("Windows-1251 (Cyrillic)", 0, _CYRILLIC, "[\u0400-\u04ff]", 90),
    "koi8_r": _Script("KOI8-R (Cyrillic)", -4, _CYRILLIC, "[\u0400-\u04ff]", 90),
    "cp1252": _Script(
        "Windows-1252 (Western)", 0, "éèêàâçùûîôëïüöäßñáíóúãõåøæÜÖÄÉ", "[\u00c0-\u00ff\u0152\u0153\u0178]", 66, True
    ),
    "cp1250": _Script(
        "Windows-1250 (Central European)", -1, "ąćęłńóśźżáčďéěíňřšťúůýžőűŁŚŻČŠŽ", "[\u00c0-\u017f]", 66, True
    ),
    "cp1254": _Script("Windows-1254 (Turkish)", -2, "ğışçöüİŞÇĞÖÜ", "[\u00c0-\u017f]", 66, True),
    "cp1253": _Script("Windows-1253 (Greek)", -3, "αοιετσνηυρπκμλςωγίόάδχέύθήφβώξζψ", "[\u0370-\u03ff]", 70),
    "cp1255": _Script("Windows-1255 (Hebrew)", -4, "יוהלארתבנמםשעדחקפגסטכזצןךףץ", "[\u0590-\u05ff]", 50),
    "cp1256": _Script("Windows-1256 (Arabic)", -4, "اليمونرتبةعدسفهكقحجشطصخأضذثئءغظزىإآؤ", "[\u0600-\u06ff]", 60),
    "cp874": _Script("Windows-874 (Thai)", -4, "กขคงจชซดตถทนบปผพมยรลวสหอะาิีืุูเแโใไ่้็์ั", "[\u0e00-\u0e7f]", 87),
}
ZIP_SCRIPTS = {"cp437": _Script("code page 437", 1, "éâäàåçêëèïîæôöûùÖÜñáíóúß", "[\u00c0-\u00ff]", 66, True)} | SCRIPTS


@dataclass(frozen=True)
class Guess:
    """In which encoding some text is.

    Attributes:
        encoding: as Python calls it.
        is_sure: whether no other is nearly as likely.
    """

    encoding: str
    is_sure: bool

    @property
    def told(self) -> str:
        """Return what people call the encoding."""
        return ZIP_SCRIPTS[self.encoding].told if self.encoding in ZIP_SCRIPTS else self.encoding.upper()


def marked(content: bytes) -> str:
    """Return the encoding that a mark or the zeros of a text give away, or "".

    Args:
        content: a text's bytes, or its first thousands.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return encoding
    if 0 not in content[:4096]:
        return ""
    head = content[: min(len(content), 4096) & ~3]
    zeros = [head[at::4].count(0) * 4 / max(len(head), 1) for at in range(4)]  # share of each of four places
    for encoding, full, empty in _PLACES:
        if all(zeros[at] < NEVER for at in full) and all(zeros[at] > OFTEN for at in empty):
            return encoding
    return ""  # not text at all


def guess(content: bytes, scripts: dict[str, _Script] = SCRIPTS) -> Guess | None:
    """Return the likeliest encoding of text that is not UTF-8, None if none fits.

    Args:
        content: the bytes, at best of all that is in one encoding.
        scripts: encodings that may be meant.
    """
    lines = [line for line in re.split(rb"[\r\n]+", content) if not line.isascii()]
    text, scores = b"\n".join(lines), {}
    for encoding, script in scripts.items():
        try:
            scores[encoding] = _likelihood(text.decode(encoding)[:MOST], script)
        except UnicodeDecodeError:
            continue
    ranked = sorted(scores, key=lambda encoding: -scores[encoding])
    if not ranked:
        return None
    is_sure = len(ranked) == 1 or scores[ranked[0]] - scores[ranked[1]] >= SURE
    return Guess(ranked[0], is_sure)


def by_chance(content: bytes) -> Guess | None:
    """Return what text may be that is UTF-8 only by chance, None where it is UTF-8.

    A letter or two, each a word of its own, are hardly ever meant; as Chinese they may be a word.
    """
    words = re.findall(r"[^\W\d_]+", content.decode(UTF8))
    odd = [word for word in words if not word.isascii()]
    letters = "".join(odd)
    if not letters or len(letters) > ALONE or any(map(str.isascii, letters)) or max(letters) > "\u07ff":
        return None
    if any(len(word) > 2 for word in odd):
        return None
    try:
        meant = "".join(letter for letter in content.decode("gb18030") if letter > "\x7f")
    except UnicodeDecodeError:
        return None
    return Guess("gb18030", False) if meant and all(letter in CHINESE for letter in meant) else None


def _likelihood(text: str, script: _Script) -> float:
    """Return the log of how likely a text is, were it in an encoding."""
    total = script.prior
    before = "\n"
    for letter in text:
        if letter > "\x7f":
            total += _letter(letter, script)
        if before > "\x7f" or letter > "\x7f":
            total += _neighbours(before, letter, script)
        before = letter
    return total


def _letter(letter: str, script: _Script) -> float:
    if letter in (ranks := _ranks(script.often)):
        is_alphabet = script.number < 200
        return math.log(_OFTEN / len(ranks)) + (_lean(ranks[letter], len(ranks)) if is_alphabet else 0.0)
    if re.match(script.known, letter):
        return math.log(_KNOWN / script.number)
    return math.log(_RARE / 100) if script.number < 200 else math.log(_RARE / 10_000)


@cache
def _ranks(letters: str) -> dict[str, int]:
    return {letter: rank for rank, letter in enumerate(letters)}


def _lean(rank: int, count: int) -> float:
    """Return the log of how much commoner than the mean a letter of a rank is.

    Letters of an alphabet fall off about as 1 / (rank + 5).
    """
    total = sum(1 / (at + 5) for at in range(count))
    return math.log(count / (rank + 5) / total)


def _neighbours(before: str, letter: str, script: _Script) -> float:
    """Return the log of how likely a letter stands after another one in a word."""
    if not (before.isalpha() and letter.isalpha()):
        return -1.0 if script.is_latin and not before.isalpha() and not letter.isalpha() else 0.0
    total = -4.0 if before.islower() and letter.isupper() or before in FINAL else 0.0
    if before > "\x7f" and letter > "\x7f":
        return total - (2.5 if script.is_latin else 0)
    return total + (1.0 if script.is_latin else -3.0)


def longest(contents: Sequence[bytes], most: int) -> bytes:
    """Return the lines outside ASCII of some texts, so many bytes at most."""
    found: list[bytes] = []
    size = 0
    for content in contents:
        for line in re.split(rb"[\r\n]+", content):
            if not line.isascii() and size < most:
                found.append(line)
                size += len(line)
    return b"\n".join(found)
