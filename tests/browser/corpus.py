"""Text that tries to become markup or script, and what notices in a browser when it does.

Each text breaks out of one place: an attribute, an element, a comment, a style, a string, a line of some language. What
runs calls one of the functions that `WATCHED` replaces, or sets `__x`. Knows no service.
"""

_RUN = "alert(1)"
_IMG = f"<img src=x onerror={_RUN}>"
_SCRIPT = f"<script>{_RUN}</script>"

CORPUS = {
    # elements that run by themselves
    "script": _SCRIPT,
    "script, odd": "<ScRiPt/x>__x=1</sCrIpT\t>",
    "script, nested": f"<scr<script>ipt>{_RUN}</scr</script>ipt>",
    "script, elsewhere": "<script src=data:text/javascript,alert(1)></script>",
    "image": _IMG,
    "image, quoted": "<img src='x' onerror='confirm(1)'>",
    "svg": "<svg onload=prompt(1)>",
    "svg script": "<svg><script>alert&#40;1)</script></svg>",
    "svg animation": "<svg><animate attributeName=href values=javascript:alert(1) onbegin=alert(1) dur=1s /></svg>",
    "svg foreign": f"<svg><foreignObject>{_IMG}</foreignObject></svg>",
    "math": '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    "body": f"<body onload={_RUN}>",
    "details": f"<details open ontoggle={_RUN}>x</details>",
    "focus": f"<input autofocus onfocus={_RUN}>",
    "media": f"<video><source onerror={_RUN}></video>",
    "marquee": f"<marquee onstart={_RUN}>x</marquee>",
    "frame": '<iframe srcdoc="<script>parent.alert(1)</script>"></iframe>',
    "frame, script": f"<iframe src=javascript:parent.{_RUN}></iframe>",
    "object": f"<object data=javascript:{_RUN}></object>",
    "base": "<base href=//127.0.0.1:9/>",
    "refresh": f"<meta http-equiv=refresh content='0;url=data:text/html,{_SCRIPT}'>",
    "sheet": "<link rel=stylesheet href=data:text/css,*{display:none}>",
    "form": f"<form action=javascript:{_RUN}><button autofocus>",
    "root of ours": f"<p class=mp-error data-kind=list>{_IMG}</p>",
    "element of ours": '<market-prices kind="../v1/coins"></market-prices>',
    # out of an element
    "out of style": f"</style>{_SCRIPT}",
    "out of title": f"</title>{_SCRIPT}",
    "out of textarea": f"</textarea>{_IMG}",
    "out of noscript": f"</noscript>{_IMG}",
    "out of template": f"</template>{_IMG}",
    "out of code": f"</code></pre>{_IMG}",
    "out of a row": "</bdi></span></td></tr></li></ul></table></section></market-prices></div></main><p>out</p>",
    "out of a drawing": f"</text></svg></title>{_SCRIPT}",
    "out of cdata": f"]]>{_SCRIPT}",
    "cdata": f"<![CDATA[{_SCRIPT}]]>",
    # out of an attribute
    "double quotes": f'" autofocus tabindex=1 onfocus="{_RUN}',
    "single quotes": f"' autofocus tabindex=1 onfocus='{_RUN}",
    "backticks": f"` autofocus tabindex=1 onfocus=`{_RUN}",
    "no quotes": f"x autofocus tabindex=1 onfocus={_RUN}",
    "double, element": f'">{_IMG}',
    "single, element": f"'>{_IMG}",
    "written quotes": f"&quot; autofocus tabindex=1 onfocus=&quot;{_RUN}",
    "written element": "&lt;img src=x onerror=alert(1)&gt;&#60;script&#62;alert(1)&#60;/script&#62;",
    "written twice": "&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;",
    # what swallows the rest of a page
    "comment": f"--><!-- -->{_SCRIPT}",
    "comment, odd": f"--!>{_IMG}<!--",
    "comment, open": "<!--",
    "style, open": "<style>",
    "plaintext": "<plaintext>",
    # addresses
    "javascript": f"javascript:{_RUN}",
    "javascript, written": "java&Tab;script&colon;alert(1)",
    "javascript, controls": f"\x01java\tscr\nipt:{_RUN}",
    "javascript, like a site": f"javascript://example.org/%0a{_RUN}",
    "data": f"data:text/html,{_SCRIPT}",
    "address, quoted": f'https://example.org/" onmouseover="{_RUN}" x="',
    "address, tagged": f"https://example.org/'>{_IMG}",
    "another host": "\\evil.example/x",
    "another host, plain": "/evil.example/x",
    # styles
    "style rule": "}*{position:fixed;inset:0;background:red}",
    "style attribute": '" style="position:fixed;inset:0;z-index:9;background:red',
    "style import": "@import 'data:text/css,*{display:none}';",
    "style address": f"x;background:url(javascript:{_RUN})",
    # the languages of the doors
    "json": f'"}}]}},"x":"{_SCRIPT}',
    "string": f"';{_RUN};'",
    "string, escaped": f"\\';{_RUN}//\\",
    "string, lines": f"a\u2028{_RUN}\u2029//",
    "template string": f"${{{_RUN}}}`${{{_RUN}}}",
    "jinja": "{{ 7*7 }}{% raw %}{{ config }}",
    "jsx": f'{{{_RUN}}}" onLoad={{() => {_RUN}}} x="',
    "markdown": f"](javascript:{_RUN}) [x](javascript:{_RUN})",
    "markdown, image": f'![x](x "onerror={_RUN}"){_IMG}',
    "php": f"'); ?><?= 7*7 ?>{_SCRIPT}<?php ('",
    "ssi": f'" --><!--#exec cmd="id" -->{_SCRIPT}',
    "esi": f'"/><esi:include src="/x"/>{_SCRIPT}',
    "wordpress": f"<!-- /wp:html -->{_SCRIPT}[embed]",
    # letters
    "other direction": f"\u202e\u2066<b>gnp.exe\u2067{_SCRIPT}",
    "controls": f"a\x00<\x00script>\x08{_RUN}\x7f\x1b[2J",
    "line breaks": f"a\r\n\r\n{_SCRIPT}",
    "marks": "Z" + "\u0300\u0301\u0489" * 60,
    "unseen": f"<\u200bscript>{_RUN}</\ufeffscript>",
    "wide": f"\uff1cscript\uff1e{_RUN}\uff1c/script\uff1e",
    "folded": f"<\u017fcript>{_RUN}</\u017fcript><\u0131mg src=x onerror={_RUN}>",
    "utf-7": f"+ADw-script+AD4-{_RUN}+ADw-/script+AD4-",
    "long": "W" * 4000,
}

# Says aloud what ran, and what a policy found that markup asked for.
WATCHED = """(() => {
  const say = console.error.bind(console, 'CAUGHT')
  for (const name of ['alert', 'confirm', 'prompt', 'print']) self[name] = () => say(name, location.href)
  Object.defineProperty(self, '__x', {set: () => say('__x', location.href)})
  addEventListener('securitypolicyviolation', e => say(e.violatedDirective, e.blockedURI, e.sample, location.href))
})()"""

# What a page is built of: each element, its attributes by name, and those that are addresses by scheme.
BUILT = """(_, page = document) => {
  const found = new Set()
  const scheme = text => { try { return new URL(text, 'http://own').protocol } catch { return 'no address' } }
  const addresses = ['href', 'src', 'action', 'formaction', 'data', 'srcset', 'poster', 'background', 'xlink:href']
  for (const one of page.querySelectorAll('*')) {
    const tag = one.localName
    found.add(tag)
    for (const {name, value} of one.attributes) {
      found.add(`${tag}[${name}]`)
      if (addresses.includes(name)) found.add(`${tag}[${name}] ${scheme(value)}`)
    }
  }
  const comments = page.createTreeWalker(page, NodeFilter.SHOW_COMMENT)
  while (comments.nextNode()) found.add('comment ' + comments.currentNode.data.slice(0, 8))
  if (/[\\u202a-\\u202e\\u2066-\\u2069]/.test(page.body?.textContent)) found.add('a change of direction')
  return [...found]
}"""

# Where a page escapes from: what stands after each `.slot` is what stood there, where it stood, and nothing covers it.
ESCAPED = """() => {
  const wrong = []
  const slots = [...document.querySelectorAll('main > .slot')]
  if (document.querySelectorAll('main > *').length !== 2 * slots.length || document.body.children.length !== 1)
    wrong.push('the page has other children')
  for (const slot of slots) {
    const after = slot.nextElementSibling
    const name = slot.dataset.name
    if (!after?.matches('p.after') || after.textContent !== 'The news go on.') {
      wrong.push(name + ': sibling')
      continue
    }
    after.scrollIntoView({block: 'center'})
    const [box, below] = [slot.getBoundingClientRect(), after.getBoundingClientRect()]
    if (Math.abs(below.top - box.bottom - 10) > 1 || below.left !== box.left || below.width !== box.width)
      wrong.push(name + ': moved')
    const [x, y] = [below.left + below.width / 2, below.top + below.height / 2]
    if (document.elementFromPoint(x, y) !== after) wrong.push(name + ': covered')
    for (const one of slot.querySelectorAll('*')) {
      if (one.closest('.mp-window, .mp-scroll, .mp-spoken, .mp-note, svg, iframe')) continue
      const at = one.getBoundingClientRect()
      const out = [box.left - at.left, at.right - box.right, box.top - at.top, at.bottom - box.bottom]
      if (at.width && Math.max(...out) > 1)
        wrong.push(`${name}: ${one.className || one.localName} stands out`)
    }
  }
  return [...new Set(wrong)]
}"""
