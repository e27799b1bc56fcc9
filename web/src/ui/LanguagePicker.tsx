import { useLanguage } from "../i18n/language";

export function LanguagePicker() {
  const { language, setLanguage, t } = useLanguage();
  return (
    <fieldset className="segmented" aria-label={t("top.language")}>
      {(["nb", "en"] as const).map((code) => (
        <button
          key={code}
          type="button"
          data-testid={`lang-${code}`}
          aria-pressed={language === code}
          lang={code}
          title={code === "nb" ? "Norsk bokmål" : "English"}
          onClick={() => setLanguage(code)}
        >
          {code.toUpperCase()}
        </button>
      ))}
    </fieldset>
  );
}
