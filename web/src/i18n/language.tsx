import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { en } from "./en";
import { nb, type Word } from "./nb";

export type Language = "nb" | "en";
export type Translate = (word: Word, values?: Record<string, string | number>) => string;

export const dictionaries: Record<Language, Record<Word, string>> = { nb, en };
const KEY = "kak-language";

interface LanguageContext {
  language: Language;
  setLanguage(language: Language): void;
  t: Translate;
}

const Context = createContext<LanguageContext | null>(null);

/** `{name}` in a text is replaced by `values.name`. */
export function translate(language: Language, word: Word, values: Record<string, string | number> = {}): string {
  return dictionaries[language][word].replace(/\{(\w+)\}/g, (hole, name: string) => String(values[name] ?? hole));
}

/** The text of an error code of the API; codes this console does not know are shown as they are. */
export function errorText(t: Translate, code: string): string {
  const word = `error.${code}`;
  return word in nb ? t(word as Word) : t("error.other", { code });
}

/** Bokmål unless the person chose otherwise on this machine; `preferred` is the citizen's link language. */
export function LanguageProvider({ preferred, children }: { preferred?: Language; children: ReactNode }) {
  const [language, choose] = useState<Language>(() => {
    const stored = localStorage.getItem(KEY);
    return stored === "nb" || stored === "en" ? stored : (preferred ?? "nb");
  });
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const value = useMemo<LanguageContext>(
    () => ({
      language,
      setLanguage: (next) => {
        localStorage.setItem(KEY, next);
        choose(next);
      },
      t: (word, values) => translate(language, word, values),
    }),
    [language],
  );
  return <Context value={value}>{children}</Context>;
}

export function useLanguage(): LanguageContext {
  const value = useContext(Context);
  if (!value) throw new Error("useLanguage outside LanguageProvider");
  return value;
}
