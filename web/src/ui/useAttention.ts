import { useEffect } from "react";
import calmIcon from "../assets/favicon.svg";
import alertIcon from "../assets/favicon-alert.svg";

const BLINK_MS = 700;

/** While `title` is given the tab's title and icon blink between it and the usual ones. */
export function useAttention(title: string | null, usual: string): void {
  useEffect(() => {
    const icon = document.querySelector<HTMLLinkElement>("#favicon");
    const show = (alert: boolean) => {
      document.title = alert && title ? title : usual;
      if (icon) icon.href = alert ? alertIcon : calmIcon;
    };
    show(title !== null);
    if (title === null) return;
    let on = true;
    const timer = setInterval(() => {
      on = !on;
      show(on);
    }, BLINK_MS);
    return () => {
      clearInterval(timer);
      show(false);
    };
  }, [title, usual]);
}
