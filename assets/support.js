// A blocker hides what looks like an advertisement: when this bait is hidden, the notice is shown.
const notice = document.getElementById("_support")
let dismissed = true
try {
  dismissed = localStorage.support == "no"
} catch {}

if (!dismissed) {
  const bait = document.createElement("div")
  bait.className = "ad ads adsbox ad-banner bait"
  document.body.append(bait)
  setTimeout(() => {
    notice.hidden = bait.offsetHeight > 0
    bait.remove()
  }, 500)
  notice.querySelector("button").onclick = () => {
    localStorage.support = "no"
    notice.hidden = true
  }
}
