// What is in the way of whoever does not see the page, sees it badly, or has no mouse, as WCAG 2.2 has it at level AA; one line each.
// And pictures and scripts, of which there are to be none.

const AA = 4.5;
const AA_LARGE = 3;
const LARGE_PX = 24;
const TARGET_PX = 24;

const found = [];
const fault = (what, elements) => elements.forEach((element) => found.push(`${what}: ${element.outerHTML.slice(0, 200)}`));
const all = (css) => [...document.querySelectorAll(css)].filter((element) => element.checkVisibility());

const lookAtAll = () => {
  const named = (element) => element.labels?.length || element.ariaLabel || element.textContent.trim();
  fault('has no name', all('input, select, textarea, button, a, dialog, nav').filter((element) => !named(element)));
  fault('is a picture or a script', [...document.querySelectorAll('img, script:not([src]), [onerror]')]);

  const ids = [...document.querySelectorAll('[id]')];
  fault('has the id of another', ids.filter((one) => ids.some((other) => other !== one && other.id === one.id)));
  const refers = ['aria-describedby', 'aria-labelledby', 'for', 'list'];
  for (const name of refers) {
    fault(`${name} leads nowhere`, all(`[${name}]`).filter((element) => element.getAttribute(name).split(' ')
      .some((id) => document.getElementById(id) === null)));
  }

  if (document.documentElement.lang === '') found.push('the page has no language');
  for (const css of ['h1', 'main', 'header']) if (all(css).length !== 1) found.push(`there are ${all(css).length} of ${css}`);
  const levels = all('h1, h2, h3, h4').map((heading) => Number(heading.localName[1]));
  if (levels.some((level, index) => level > (levels[index - 1] ?? 0) + 1)) found.push(`headings skip a level: ${levels}`);
  fault('is a table without a caption', all('table').filter((table) => !table.caption?.textContent));
  fault('is a head of nothing', all('th').filter((head) => head.scope === ''));
  fault('takes the focus out of turn', all('[tabindex]').filter((element) => element.tabIndex > 0));

  // Links within a text may be as high as it is.
  fault('is too small to be pressed', all('button, select, input, summary').filter((element) => {
    const { width, height } = (element.labels?.[0]?.contains(element) ? element.labels[0] : element).getBoundingClientRect();
    return Math.min(width, height) < TARGET_PX;
  }));

  const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
  const painted = (...colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
    }
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const behind = (element) => {
    const colours = [];
    for (let at = element; at !== null; at = at.parentElement) colours.unshift(getComputedStyle(at).backgroundColor);
    return ['Canvas', ...colours];
  };
  const luminance = (rgb) => rgb.slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const contrast = (element) => {
    const grounds = behind(element);
    const [ground, text] = [painted(...grounds), painted(...grounds, getComputedStyle(element).color)].map(luminance);
    return (Math.max(ground, text) + 0.05) / (Math.min(ground, text) + 0.05);
  };
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim() !== '');
  const isLive = (element) => !element.closest(':disabled, [aria-hidden], svg, option, noscript');
  fault('is hard to read', all('body *').filter((element) => (hasText(element) || element.value) && isLive(element)).filter((element) => {
    const isLarge = parseFloat(getComputedStyle(element).fontSize) >= LARGE_PX;
    return contrast(element) < (isLarge ? AA_LARGE : AA);
  }));
};

// What fades from one colour to another is looked at when it has.
return Promise.allSettled(document.getAnimations().map(({ finished }) => finished)).then(() => {
  lookAtAll();
  return found;
});
