import { translations } from "../../i18n/translations.ts";

/** What to do about an import that failed, by the code of its error. */
export const REMEDIES = translations(
  {
    empty_file: "Send the file again, completely written.",
    not_text:
      "Set the encoding, or save the file as CSV in UTF-8. A compressed file must be named .csv.gz, .csv.zst or .zip.",
    line_too_long: "A line has more than 16 MiB: the line ends are missing, or the file is no CSV.",
    missing_header:
      "Add the line that names the columns, name them in the options, or say where the header is.",
    ambiguous_header: "Say in the options which columns are meant, or how many lines to skip.",
    invalid_column: "Name the column otherwise, or ignore it in the options.",
    bad_compression: "The file is cut off or damaged: compress it again, or send plain CSV.",
    bad_archive: "Pack one CSV file alone, without a password.",
    bad_workbook: "Save the workbook again without a password, or save the sheet as CSV.",
    bad_parquet: "The file is cut off or damaged: write it again.",
    wrong_column_type: "Write the column as another type, or say what its numbers count.",
    inflated_too_large: "Split the file. Whoever runs the server may allow larger ones.",
    too_many_errors: "Correct the rows below and send the file again, or allow more errors.",
    no_valid_rows:
      "Every row was rejected; often one option is wrong, such as the time format or the decimal mark. Send the file again with it, or mend the rows below.",
    source_missing: "The file is not in the storage any more: send it again.",
    source_replaced: "Another file took its place before it was loaded: send it again.",
    wrong_checksum: "The file that arrived is not the one announced: send it again.",
    upload_expired: "The file did not come in time: send it again.",
    too_many_attempts: "The worker's log says more. Try again when the cause is mended.",
  },
  {
    empty_file: "Envie o arquivo de novo, gravado por completo.",
    not_text:
      "Informe a codificação ou salve o arquivo como CSV em UTF-8. Um arquivo compactado deve se chamar .csv.gz, .csv.zst ou .zip.",
    line_too_long: "Uma linha tem mais de 16 MiB: faltam quebras de linha, ou o arquivo não é CSV.",
    missing_header:
      "Acrescente a linha com os nomes das colunas, indique-as nas opções ou diga onde está o cabeçalho.",
    ambiguous_header: "Indique nas opções quais são as colunas ou quantas linhas pular.",
    invalid_column: "Dê outro nome à coluna ou ignore-a nas opções.",
    bad_compression:
      "O arquivo está cortado ou danificado: compacte-o de novo ou envie o CSV sem compactar.",
    bad_archive: "Compacte um único arquivo CSV, sem senha.",
    bad_workbook: "Salve a pasta de trabalho de novo sem senha, ou salve a planilha como CSV.",
    bad_parquet: "O arquivo está cortado ou danificado: grave-o de novo.",
    wrong_column_type: "Grave a coluna com outro tipo ou diga o que seus números contam.",
    inflated_too_large: "Divida o arquivo. Quem administra o servidor pode permitir maiores.",
    too_many_errors: "Corrija as linhas abaixo e envie o arquivo de novo, ou permita mais erros.",
    no_valid_rows:
      "Todas as linhas foram rejeitadas; em geral uma opção está errada, como o formato da hora ou o separador decimal. Envie o arquivo de novo com ela ou corrija as linhas abaixo.",
    source_missing: "O arquivo não está mais no armazenamento: envie-o de novo.",
    source_replaced: "Outro arquivo tomou o lugar dele antes da carga: envie-o de novo.",
    wrong_checksum: "O arquivo que chegou não é o anunciado: envie-o de novo.",
    upload_expired: "O arquivo não chegou a tempo: envie-o de novo.",
    too_many_attempts: "O log do worker diz mais. Tente de novo quando a causa for resolvida.",
  },
);

/** What an import warns of: rows that are likely not what was meant. */
export const WARNINGS = translations(
  {
    scientific_id:
      "Ids look like a spreadsheet's scientific notation, such as 1.23457E+11: digits are lost. Format the column as text before the ids are typed, and export it again.",
    formula_id:
      'Ids begin with =, as a spreadsheet\'s formula such as ="00123" does; they are taken as they are written. Send the bare id.',
    date_id:
      "Ids look like a spreadsheet's dates, such as 1-Mar where MAR1 was typed. Format the column as text before the ids are typed, and export it again.",
    sentinel_value:
      "Values such as -9999 are taken as readings; loggers write them where there is none. If that is meant, name them in the option of values that are none.",
    other_decimal_mark:
      "Numbers are written in two ways: these are numbers if the decimal mark is the other one. Set it, and check accepted ones such as 1.234, which may mean 1234.",
    thousands_mark: "Values have marks between thousands, such as 1,234.5. Export them without.",
    null_word:
      "Values such as NAN, n/a or #N/A say that there is none. Name them in the option of values that are none, and they are skipped.",
    serial_date:
      "Timestamps look like a spreadsheet's count of days, such as 45962.5. Format the column as date and time, and export it again.",
  },
  {
    scientific_id:
      "Há ids que parecem notação científica de uma planilha, como 1,23457E+11: perderam-se dígitos. Formate a coluna como texto antes de digitar os ids e exporte de novo.",
    formula_id:
      'Há ids que começam com =, como uma fórmula de planilha (="00123"); ficam como estão escritos. Envie só o id.',
    date_id:
      "Há ids que parecem datas de uma planilha, como 1-mar onde se digitou MAR1. Formate a coluna como texto antes de digitar os ids e exporte de novo.",
    sentinel_value:
      "Valores como -9999 foram aceitos como leituras; registradores os gravam quando não há leitura. Se for esse o caso, informe-os na opção dos valores que não são leitura.",
    other_decimal_mark:
      "Há números escritos de duas formas: estes são números se o separador decimal for o outro. Ajuste-o e confira os aceitos, como 1.234, que pode significar 1234.",
    thousands_mark:
      "Há valores com separador de milhar, como 1,234.5. Exporte-os sem esse separador.",
    null_word:
      "Valores como NAN, n/a ou #N/A dizem que não há leitura. Informe-os na opção dos valores que não são leitura, e serão ignorados.",
    serial_date:
      "Há datas que parecem a contagem de dias de uma planilha, como 45962,5. Formate a coluna como data e hora e exporte de novo.",
  },
);
